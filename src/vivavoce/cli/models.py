"""``vivavoce models``: list, show, pull, verify and remove the speech models."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from vivavoce.cli.model_progress import PullDisplay
from vivavoce.places import models_folder
from vivavoce.recognition.catalogue import Catalogue, HubSource, Model, Source, load_catalogue
from vivavoce.recognition.choosing import find_model
from vivavoce.recognition.fetching import Supply
from vivavoce.recognition.foreign import parse_hub_name
from vivavoce.recognition.model_errors import ModelError, UnknownModelError
from vivavoce.recognition.store import ModelStore

app = typer.Typer(
    help="List, download, verify and remove speech models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

FAILED = 1
USAGE = 2

ModelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--models",
        envvar="VIVAVOCE_MODELS",
        help="Folder of the models (default: in the user's cache folder).",
        show_default=False,
    ),
]
ModelIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Models (default: those that the server uses)."),
]
PullNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID | hub:OWNER/NAME@COMMIT]...",
        help="Models (default: those that the server uses).",
    ),
]
FromDir = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        file_okay=False,
        help="Install from this folder instead of the network: the models folder of another "
        "machine, or wheels.",
        show_default=False,
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", envvar="VIVAVOCE_OFFLINE", help="Do not use the network."),
]
ModelId = Annotated[str, typer.Argument(metavar="ID", help="ID of a model, as listed.")]


@app.command("list")
def list_models(folder: ModelsFolder = None) -> None:
    """List the models of the catalogue and which of them are installed."""
    with _failures():
        catalogue, store = _open(folder)
        models = (*catalogue, *store.foreign())
        here = {model.id for model in store.installed(models)}
        widest = max(len(model.id) for model in models)
        table = Table(
            Column("Model", min_width=widest),
            "Task",
            "Languages",
            "Licence",
            "Size",
            "Default",
            "Here",
            box=None,
        )
        for model in models:
            terms = model.licence.spdx if model.licence else "unknown"
            table.add_row(
                *(model.id, model.task, _languages(model), terms),
                *(_megabytes(model.size), _mark(model.default), _mark(model.id in here)),
            )
        Console().print(table)


@app.command()
def show(
    model_id: ModelId,
    folder: ModelsFolder = None,
    *,
    licence: Annotated[
        bool, typer.Option("--licence", help="Also print the licence text.")
    ] = False,
) -> None:
    """Show the source, hashes and location of a model."""
    with _failures():
        catalogue, store = _open(folder)
        model = find_model(model_id, catalogue, store)
        typer.echo("\n".join(_description(model)))
        place = store.path(model) if store.installed([model]) else "not here"
        typer.echo(f"folder     {place}")
        if licence and model.licence:
            typer.echo(f"\n{model.licence.read()}")


@app.command()
def pull(
    model_ids: PullNames = None,
    folder: ModelsFolder = None,
    *,
    from_dir: FromDir = None,
    offline: Offline = False,
) -> None:
    """Download models and verify their hashes. Installed models are kept."""
    with _failures():
        catalogue, store = _open(folder, _supply(from_dir, offline=offline))
        wanted = _wanted(catalogue, model_ids)
        with PullDisplay() as display:
            known = [model for model in wanted if isinstance(model, Model)]
            store.pull(known, display.report)
            foreign = [
                store.pull_foreign(source, display.report)
                for source in wanted
                if isinstance(source, HubSource)
            ]
        for model in (*known, *foreign):
            typer.echo(f"{model.id}: {store.path(model)}")


@app.command()
def verify(model_ids: ModelIds = None, folder: ModelsFolder = None) -> None:
    """Verify the hashes of installed models."""
    with _failures():
        catalogue, store = _open(folder)
        bad = 0
        for model in _chosen(catalogue, store, model_ids):
            try:
                store.verify(model)
                typer.echo(f"{model.id}: good")
            except ModelError as error:
                bad += 1
                typer.echo(f"{model.id}: {error}", err=True)
        if bad:
            raise typer.Exit(FAILED)


@app.command()
def remove(model_id: ModelId, folder: ModelsFolder = None) -> None:
    """Delete a model from this machine."""
    with _failures():
        catalogue, store = _open(folder)
        store.remove(find_model(model_id, catalogue, store))
        typer.echo(f"{model_id}: removed")


def _open(folder: Path | None, supply: Supply | None = None) -> tuple[Catalogue, ModelStore]:
    return load_catalogue(), ModelStore(folder or models_folder(), supply)


def _supply(from_dir: Path | None, *, offline: bool) -> Supply:
    if from_dir is not None:
        return Supply.from_folder(from_dir)
    return Supply.offline() if offline else Supply()


def _wanted(catalogue: Catalogue, names: Sequence[str] | None) -> list[Model | HubSource]:
    """Return the items the names refer to, each once, or the default models."""
    if not names:
        return list(catalogue.defaults())
    return [parse_hub_name(name) or catalogue.model(name) for name in dict.fromkeys(names)]


def _chosen(catalogue: Catalogue, store: ModelStore, ids: Sequence[str] | None) -> Iterable[Model]:
    """Return the named models, each once, or the default ones."""
    if not ids:
        return catalogue.defaults()
    return [find_model(name, catalogue, store) for name in dict.fromkeys(ids)]


@contextmanager
def _failures() -> Iterator[None]:
    """Convert expected failures to a one-line message and an exit code."""
    try:
        yield
    except UnknownModelError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except ModelError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(FAILED) from error
    except ModuleNotFoundError as error:
        typer.echo(f"error: {error.name} is missing: pip install 'vivavoce[server]'", err=True)
        raise typer.Exit(FAILED) from error


def _description(model: Model) -> Iterator[str]:
    yield f"{model.id}: {model.summary}"
    yield f"task       {model.task}"
    yield f"languages  {', '.join(model.languages) or 'any'}"
    terms = f"{model.licence.spdx} (text: --licence)" if model.licence else "unknown"
    yield f"licence    {terms}"
    yield f"upstream   {model.upstream}"
    for source in model.sources:
        yield from _source_lines(source)
    for file in model.files:
        yield f"file       {file.name} {_megabytes(file.size)} sha256:{file.sha256}"
    for derived in model.derived:
        yield f"derived    {derived.name} ({derived.maker})"
    if model.memory_mb:
        yield f"memory     about {model.memory_mb} MB"
    for row in model.measured:
        what = f"{row.corpus} ({', '.join(row.languages)})"
        yield f"measured   {row.error_percent} % errors, {row.cpu} CPU s per s: {what}"
    if model.notes:
        yield f"notes      {model.notes}"


def _source_lines(source: Source) -> Iterator[str]:
    if isinstance(source, HubSource):
        yield f"source     hub:{source.repository}@{source.revision}"
        return
    for wheel in source.wheels:
        yield f"source     {wheel} sha256:{wheel.sha256}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _languages(model: Model) -> str:
    """Return a few languages by name, or the number of many."""
    few = 8
    named = ", ".join(model.languages) or "any"
    return named if len(model.languages) <= few else f"{len(model.languages)} languages"


def _mark(yes: bool) -> str:  # noqa: FBT001 # the value to show
    return "yes" if yes else ""
