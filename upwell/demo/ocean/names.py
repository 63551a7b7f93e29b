"""What the story calls things."""

FIELD, CHAT, FORECASTER, TALKER = "pacific", "pacific-questions", "pacific-forecaster", "pacific-talker"
