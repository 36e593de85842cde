"""``hexkey keys``: make a pair of stores, list one, compare two."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hexkey.cli import app
from hexkey.cli.options import JsonOption
from hexkey.randomness import choose_randomness
from hexkey.store import Store, compare, create_pair

keys_app = typer.Typer(no_args_is_help=True, help="Key stores: create, list, compare.")
app.add_typer(keys_app, name="keys")

StoreArgument = Annotated[Path, typer.Argument(help="A key store.")]


@keys_app.command()
def create(
    alice: Annotated[Path, typer.Argument(help="New store for Alice.")],
    bob: Annotated[Path, typer.Argument(help="New store for Bob.")],
    tag_keys: Annotated[
        int, typer.Option(help="Authentication keys per direction, 256 bits each.")
    ] = 1024,
    secret: Annotated[
        bool,
        typer.Option(
            "--secret",
            help="For secret keys; sessions that would make demonstrations are then refused.",
        ),
    ] = False,
    random_device: Annotated[
        Path | None,
        typer.Option(help="Hardware generator, such as /dev/hwrng, to add to the system's bytes."),
    ] = None,
) -> None:
    """Make two stores that share a pool of authentication keys, and nothing else.

    Carry Bob's to him by hand; whoever reads it on the way can impersonate either party.
    """
    randomness = choose_randomness(None, random_device)
    create_pair(alice, bob, tag_keys, randomness, "secret" if secret else "demonstration")
    what = "secret keys" if secret else "demonstrations"
    typer.echo(
        f"{alice} and {bob} share {tag_keys} authentication keys in each direction, for {what}."
    )


@keys_app.command("list")
def list_keys(store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the keys of a store: identifiers, lengths and labels, never bits."""
    with Store.open(store, read_only=True) as opened:
        keys = opened.keys()
        send, receive = opened.remaining()
        facts = {
            "role": opened.role,
            "kind": opened.kind,
            "keys": [
                {
                    "key_id": key.key_id,
                    "length_bits": key.length_bits,
                    "label": key.label,
                    "reasons": list(key.reasons),
                    "created": key.created,
                    "epsilon": key.epsilon,
                }
                for key in keys
            ],
            "pending": len(opened.pending_ids()),
            "tag_keys": {"send": send, "receive": receive},
            "epsilon_spent": opened.epsilon_spent,
        }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for key in keys:
        typer.echo(f"{key.key_id}  {key.length_bits:>8,} bits  {key.label}  {key.created}")
    typer.echo(
        f"{len(keys)} key(s) of {facts['role']}, {facts['pending']} pending; authentication keys "
        f"left: {send} to send, {receive} to receive; epsilon spent {facts['epsilon_spent']:.1e}."
    )


@keys_app.command("compare")
def compare_stores(one: StoreArgument, other: StoreArgument, as_json: JsonOption = False) -> None:
    """Say whether two stores hold the same keys; exit code 1 if they do not.

    For demonstrations and tests: in real use the two stores are never in one place.
    """
    found = compare(one, other)
    if as_json:
        facts = {
            "equal": found.equal,
            "common_keys": found.common,
            "bits": found.bits,
            "only_first": found.only_a,
            "only_second": found.only_b,
            "differing": found.differing,
        }
        typer.echo(json.dumps(facts, indent=2))
    elif found.equal:
        typer.echo(f"equal: {found.common} key(s), {found.bits:,} bits, the same in both stores.")
    else:
        typer.echo(
            f"NOT equal: {found.common} common key(s), {len(found.differing)} of them different; "
            f"{len(found.only_a)} only in {one}, {len(found.only_b)} only in {other}."
        )
    if not found.equal:
        raise typer.Exit(1)
