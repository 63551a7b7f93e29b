"""The text the tokenizer of the built-in base learns its merges from: sentences, numbers and code of our domain."""

# ruff: noqa: RUF001 - Chinese has punctuation of its own

from __future__ import annotations

from collections.abc import Iterator

ENGLISH = """
A series is a list of values in the order of their time, and a segment is a stretch of its rows.
The pressure rises slowly, stays level for an hour and then falls within two minutes.
Sensor readings are missing between noon and one o'clock, because the gateway was restarted.
What is unusual here? The third beat is wider than the beats before it and after it.
The mean of the window is shown first, then its scale, and then the values themselves.
An anomaly is a stretch that differs from what the same machine does on an ordinary day.
No anomaly was found in this window; the pattern repeats with the same period throughout.
The temperature of the bearing drifted upwards, although load and speed did not change.
A spike is short and high; a level shift lasts; a flat line means that the sensor is stuck.
The amplitude doubled, the noise grew, and the rhythm became irregular towards the end.
Please compare the first channel with the second one and name the rows where they disagree.
Yes, both channels show it: the flow drops first, and the pressure follows a little later.
The valve was closed from row 120 to row 180, so the drop there is expected.
Sea surface temperature in the eastern Pacific was above normal for five months in a row.
The wind stress weakened in spring, the thermocline deepened, and the warm pool moved east.
Choose the tool that answers the question, then choose how much memory and time it may take.
Trained on reviewed labels, the model proposes new ones, and a person decides about each of them.
Who approved this label, and which versions of the model have learnt from it since then?
The window starts on Monday and ends on Friday; the weekend is left out.
If the value is below the threshold for longer than ten seconds, raise the alarm.
"""

CHINESE = """
时间序列是按时间顺序排列的数值，片段是其中连续的一段。
压力缓慢上升，保持平稳一小时，然后在两分钟内下降。
中午到一点之间缺少传感器读数，因为网关重新启动了。
这里有什么异常？第三个波形比前后的波形都要宽。
先给出窗口的均值，再给出尺度，最后是数值本身。
异常是与同一台机器平时的表现不同的一段数据。
在这个窗口中没有发现异常，规律自始至终重复出现。
轴承的温度逐渐升高，而负载和转速没有变化。
尖峰又短又高，电平变化持续存在，直线说明传感器卡住了。
振幅增大了一倍，噪声增加，末尾的节奏变得不规则。
请比较第一个通道和第二个通道，指出它们不一致的行。
东太平洋的海表温度连续五个月高于常年平均值。
春季风应力减弱，温跃层加深，暖池向东移动。
选择能够回答问题的工具，再决定使用多少内存和时间。
模型学习经过审核的标注，提出新的标注，由人来决定是否采用。
"""

STRUCTURED = """
{"series": "pump-7", "channel": "pressure", "start_row": 120, "end_row": 180, "label": "spike", "confidence": 0.93}
mean 6.373e+01 scale 2.046e+01 values:
mean -1.250e-03 scale 8.900e-05 values:
rows [4187, 4198) | label: anomaly; score = 0.87 (threshold > 0.5) & period ~ 60 s
2026-11-21T05:29:31Z, 23.5 %, +12.75 °C, -0.5 m/s, 1/3, 50 Hz, #4 @3 $x_1 <= 10 >= 2 != 7 * 8 ^ 2 \\ '...' `a` ~b
"""


def corpus() -> Iterator[str]:
    """The lines of the three texts, the same in the same order every time."""
    for text in (ENGLISH, CHINESE, STRUCTURED):
        yield from text.strip().splitlines()
