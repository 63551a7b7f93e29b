"""The tree of commands; each group has a file of its own."""

from __future__ import annotations

import typer

from upwell.cli import (
    ask,
    bases,
    bucket,
    check,
    compare,
    datasets,
    dead,
    demo,
    export,
    files,
    forecast,
    forecast_plot,
    generate,
    history,
    ingest,
    keys,
    label,
    lineage,
    models,
    plan,
    predict,
    profile,
    recipes,
    registry,
    review,
    runs,
    sources,
    stack,
    train,
    trained_on,
)

EPILOG = "Begin with `upwell demo`, or with `upwell up` and `upwell ingest csv FILE --name NAME`."

app = typer.Typer(
    help="Upwell closes the data loop: ingest, label, review, train, register, serve.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(stack.up)
app.command()(stack.down)
app.command()(stack.status)
app.command()(stack.env)
app.command()(demo.demo)
app.command()(ingest.ingest)
app.add_typer(sources.app, name="sources")
app.add_typer(datasets.app, name="datasets")
app.add_typer(profile.app, name="profile")
app.add_typer(label.app, name="label")
app.add_typer(review.app, name="review")
app.command()(export.export)
app.add_typer(train.app, name="train")
app.add_typer(recipes.app, name="recipes")
app.command()(train.train)
app.add_typer(runs.app, name="runs")
models.app.command("trained-on")(trained_on.trained_on)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(bases.app, name="bases")
models.app.command()(compare.compare)
app.add_typer(history.app, name="history")
app.command()(lineage.lineage)
app.command()(predict.predict)
app.command()(generate.generate)
app.command()(generate.chat)
app.command()(plan.plan)
app.command()(forecast.forecast)
app.command()(ask.ask)
app.add_typer(forecast_plot.app, name="plot")
app.command()(bucket.verify)
app.command()(bucket.gc)
app.add_typer(registry.app, name="registry")
app.add_typer(dead.app, name="dead")

datasets.app.command()(check.check)
datasets.app.command("pull")(files.pull_dataset)
datasets.app.command("push")(files.push_dataset)
models.app.command("pull")(files.pull_model)
models.app.command("push")(files.push_model)
