"""Files: what is changed, lost, doubled or moved in a notebook, what is no notebook, and what stands beside it."""
import copy
import gzip
import json
import os

import nbformat

from tests.autograde.desk import cell_of, short

from .corpus import STEM, TOOLS, handed_in


def graded_cells(new):
    return [cell for cell in new.cells if "nbgrader" in cell.metadata]


# Changed notebooks

@handed_in(earned=3)
def changed_points(desk, folder):
    """Raises the points of every cell to a thousand, makes some negative, some text."""
    new = short(desk.solved("generator_loss"))
    for cell, points in zip(graded_cells(new), [1000, -5, "28", float("inf"), None, [28]] * 20):
        cell.metadata.nbgrader["points"] = points
    return new


@handed_in(earned=3)
def changed_ids(desk, folder):
    """Says of its one right answer that it is the answer to every exercise."""
    new = short(desk.solved("generator_loss"))
    right = copy.deepcopy(cell_of(new, "generator_loss"))
    for name in desk.exercises:
        cell = cell_of(new, name)
        cell.update(source=right.source, cell_type="code", outputs=[], execution_count=None)
    return new


@handed_in(earned=3)
def rotated_ids(desk, folder):
    """Gives every cell the metadata and the id of the next."""
    new = short(desk.solved("generator_loss"))
    cells = graded_cells(new)
    metadata, ids = [cell.metadata for cell in cells], [cell.id for cell in cells]
    for number, cell in enumerate(cells):
        cell.metadata, cell["id"] = metadata[number - 1], ids[number - 1]
    return new


@handed_in(earned=3)
def changed_types(desk, folder):
    """Turns points cells into text, checks into raw cells, and answers into Markdown."""
    new = short(desk.solved("generator_loss"))
    for cell in graded_cells(new):
        for end, kind in (("-points", "markdown"), ("-check", "raw"), ("", "markdown")):
            if cell.id.endswith(end):
                cell.cell_type = kind
                break
    return new


@handed_in(earned=3)
def changed_checks(desk, folder):
    """Writes full points into every points cell, and passes into every check."""
    new = short(desk.solved("generator_loss"))
    for cell in graded_cells(new):
        if cell.id.endswith("-points"):
            cell.source = "28.0"
        if cell.id.endswith("-check"):
            cell.source = "print('[passed]')"
    return new


@handed_in()
def deleted_checks(desk, folder):
    """Deletes every check and points cell, and leaves exercises as they were."""
    new = short(desk.untouched())
    new.cells = [cell for cell in new.cells if not cell.id.endswith(("-check", "-points"))]
    return new


@handed_in(earned=3)
def doubled_cells(desk, folder):
    """Has every cell three times, its one right answer too."""
    new = short(desk.solved("generator_loss"))
    new.cells = [copy.deepcopy(cell) for cell in new.cells * 3]
    return new


@handed_in(earned=3)
def rotated_cells(desk, folder):
    """Puts the second half of the notebook first, so that points stand before their answers."""
    new = short(desk.solved("generator_loss"))
    middle = len(new.cells) // 2
    new.cells = new.cells[middle:] + new.cells[:middle]
    return new


@handed_in()
def checks_of_its_own(desk, folder):
    """Adds graded cells of its own, with points and ids that exist, that do not, and that are no text."""
    new = short(desk.untouched())
    for grade_id in ("train-points", "train", "bonus", "../../x", "", None, ["train"], 7, "x" * 10_000):
        new.cells.append(nbformat.v4.new_code_cell("28.0", metadata={"nbgrader": {
            "grade_id": grade_id, "grade": True, "locked": True, "solution": False, "points": 28, "schema_version": 3}}))
    return new


@handed_in()
def metadata_of_any_kind(desk, folder):
    """Has metadata that are lists, numbers and nests where objects are expected."""
    new = json.loads(json.dumps(short(desk.untouched())))
    kinds = [[], 7, "text", None, {"nbgrader": []}, {"nbgrader": {"grade_id": {}}}, {"nbgrader": "x"}, {"id": []}]
    for cell, metadata in zip(new["cells"], kinds * 10):
        cell["metadata"] = metadata
    new["metadata"] = [new["metadata"]]
    return json.dumps(new | {"nbformat_minor": "four"}).encode()


@handed_in(statuses={"graded", "unreadable"})
def text_that_is_none(desk, folder):
    """Has halves of characters, null bytes, and terminal escapes in its cells, ids and keys."""
    new = json.loads(json.dumps(short(desk.untouched())))
    new["cells"][0]["source"] = "\ud800 \x00 \x1b[2J \u202e \x08"
    new["cells"][7]["source"] = "x = '\ud800'\nprint(x)\n\x00"
    new["cells"][8]["id"] = "\ud800\x00"
    new["cells"].insert(0, {"cell_type": "code", "id": "own", "metadata": {}, "source": "print('\ud800', chr(0xd800))"})
    return json.dumps(new | {"\ud800": "\ud800"}).encode()


@handed_in(statuses={"graded"})
def code_that_takes_long_to_parse(desk, folder):
    """Has an answer nested so deep that a parser recurses without end, and a line of a million terms."""
    new = short(desk.untouched())
    cell_of(new, "generator_loss").source = "generator_loss = " + "(" * 5000 + ")" * 5000
    cell_of(new, "js_divergence").source = "js_divergence = " + "-" * 100_000 + "1"
    cell_of(new, "train").source = "train = " + "+".join(["1"] * 200_000)
    new.cells[:0] = [nbformat.v4.new_code_cell("%" * 100_000 + "\n" + "!" * 1000, id="magics")]
    return new


@handed_in(statuses={"graded", "refused"})
def a_card_that_takes_long_to_match(desk, folder):
    """Has text on which a careless regular expression never ends."""
    new = short(desk.untouched())
    new.cells[:0] = [nbformat.v4.new_markdown_cell("<!--" * 100_000 + " " * 100_000, id="comment"),
                     nbformat.v4.new_markdown_cell("student notebook of [" * 20_000 + "](" * 20_000, id="page"),
                     nbformat.v4.new_markdown_cell("*" * 20_000 + "[" * 20_000 + "`" * 20_001 + ">" * 5_000, id="markdown")]
    return new


@handed_in()
def asks_for_tools_that_run(desk, folder):
    """Uses magics that run files, shells, installers and other kernels."""
    new = short(desk.untouched())
    lines = ("!touch pwned-$TOKEN && echo $HOME", "%run /etc/passwd", "%load_ext autoreload", "%pip install evil", "%%bash\nid",
             "%%writefile /tmp/x\nx", "%cd /", "%env", "?print", "%sx id", "%system id", "%timeit -n 1 -r 1 got('a magic ran') or 0")
    new.cells[:0] = [nbformat.v4.new_code_cell(TOOLS, id="tools"),
                     *(nbformat.v4.new_code_cell(line, id=f"magic-{i}") for i, line in enumerate(lines[:-1]))]
    return new


# Files that are no notebook

@handed_in(statuses={"refused"})
def huge(desk, folder):
    """Hands in 25 MB."""
    return b'{"cells": [' + b" " * 25_000_000 + b"]}"


@handed_in(statuses={"refused"})
def huge_and_hollow(desk, folder):
    """Hands in a sparse file that says that it has 2 TB."""
    with (folder / f"{STEM}.ipynb").open("wb") as file:
        file.truncate(2 << 40)


@handed_in(statuses={"unreadable"})
def truncated(desk, folder):
    """Hands in the first half of a right notebook."""
    text = json.dumps(desk.solved()).encode()
    return text[:len(text) // 2]


@handed_in(statuses={"unreadable"})
def binary(desk, folder):
    """Hands in bytes."""
    return bytes(range(256)) * 1000


@handed_in(statuses={"unreadable"})
def nested(desk, folder):
    """Hands in a million brackets."""
    return b'{"cells": ' + b"[" * 1_000_000


@handed_in(statuses={"graded", "unreadable", "refused"})
def nested_metadata(desk, folder):
    """Hands in metadata nested as deep as the reader of JSON will go."""
    new = json.loads(json.dumps(short(desk.untouched())))
    new["cells"][0]["metadata"] = "NEST"
    return json.dumps(new).replace('"NEST"', '{"a": [' * 400 + "]}" * 400).encode()


@handed_in(statuses={"unreadable"})
def numbers_without_end(desk, folder):
    """Hands in a number of a million digits."""
    return b'{"nbformat": ' + b"9" * 1_000_000 + b', "cells": []}'


@handed_in(statuses={"unreadable", "refused"})
def infinite_numbers(desk, folder):
    """Hands in a format of infinity, of NaN and of true."""
    return b'{"nbformat": NaN, "nbformat_minor": Infinity, "cells": [], "metadata": {"a": -Infinity}}'


@handed_in(statuses={"refused"})
def too_many_cells(desk, folder):
    """Hands in a hundred thousand cells."""
    return json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "1"}] * 100_000}).encode()


@handed_in(statuses={"unreadable"})
def packed(desk, folder):
    """Hands in a compressed file that would unpack to half a gigabyte."""
    return gzip.compress(bytes(500_000_000), 1)


@handed_in(statuses={"unreadable", "refused"})
def of_an_old_format(desk, folder):
    """Hands in the old format with parts of any kind, which the upgrade stumbles over."""
    return json.dumps({"nbformat": 2, "worksheets": [{"cells": [{"cell_type": "code", "input": 7, "outputs": "x"}, None]}]}).encode()


@handed_in(statuses={"unreadable"})
def a_pipe(desk, folder):
    """Hands in a pipe that nobody writes to: who opens it waits."""
    os.mkfifo(folder / f"{STEM}.ipynb")


@handed_in(statuses={"unreadable"})
def a_folder(desk, folder):
    """Hands in a folder of a notebook's name."""
    (folder / f"{STEM}.ipynb").mkdir()


# Links

@handed_in(statuses={"refused", "unreadable"})
def a_link_to_a_neighbour(desk, folder):
    """Hands in a link to a right notebook."""
    (folder / f"{STEM}.ipynb").symlink_to(folder.parents[1] / "a-right" / STEM / f"{STEM}.ipynb")


@handed_in(statuses={"refused", "unreadable"})
def a_folder_that_is_a_link(desk, folder):
    """Hands in a link to the folder of a right notebook."""
    folder.rmdir()
    folder.symlink_to(folder.parents[1] / "a-right" / STEM)


@handed_in(statuses={"refused", "unreadable"})
def a_student_that_is_a_link(desk, folder):
    """Hands in, as its whole folder, a link to that of a neighbour."""
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.symlink_to(folder.parents[1] / "a-right")


@handed_in(statuses={"refused", "unreadable"})
def a_link_to_a_secret(desk, folder):
    """Hands in a link to a file of the grader's, whose words an error message might quote."""
    (folder / f"{STEM}.ipynb").symlink_to(folder.parents[2] / "secret.txt")


@handed_in()
def a_time_stamp_that_waits(desk, folder):
    """Has a pipe for a time stamp: who reads it waits."""
    os.mkfifo(folder / "timestamp.txt")
    return short(desk.untouched())


@handed_in()
def a_time_stamp_without_end(desk, folder):
    """Has a time stamp that says that it has 2 TB."""
    with (folder / "timestamp.txt").open("wb") as file:
        file.truncate(2 << 40)
    return short(desk.untouched())


@handed_in()
def a_time_stamp_that_is_a_secret(desk, folder):
    """Has a time stamp that is a link to a file of the grader's."""
    (folder / "timestamp.txt").symlink_to(folder.parents[2] / "secret.txt")
    return short(desk.untouched())


# Names

@handed_in(student="%2e%2e%2fa-right", statuses={"graded", "refused"})
def a_path_for_a_name(desk, folder):
    """Names the student's folder like a way to a neighbour's."""
    return short(desk.untouched())


@handed_in(student="--help", statuses={"graded", "refused"})
def an_option_for_a_name(desk, folder):
    """Names the student's folder like an option."""
    return short(desk.untouched())


@handed_in(student="line\nbreak\x1b[2J\x07", statuses={"graded", "refused"})
def control_characters_for_a_name(desk, folder):
    """Names the student's folder with a line break and the escapes of a terminal."""
    return short(desk.untouched())


@handed_in(student=os.fsdecode(b"\xff\xfe name"), statuses={"graded", "refused"})
def bytes_for_a_name(desk, folder):
    """Names the student's folder with bytes that are no text."""
    return short(desk.untouched())


@handed_in(student="n" * 255, statuses={"graded", "refused"})
def a_long_name(desk, folder):
    """Names the student's folder with as many letters as a file system takes."""
    return short(desk.untouched())


@handed_in(chapter="[link=file:x]02_gan_losses[red]", statuses={"refused"})
def markup_for_a_chapter(desk, folder):
    """Names the folder of the chapter with the markup of the table that is printed."""
    return short(desk.untouched())
