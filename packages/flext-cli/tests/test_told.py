"""What a command says at its end: rows that were refused are in the sentence, whatever the code."""

import pytest

from flext_cli import job_run
from flext_cli.commands import backfill, run
from flext_cli.progress import Progress, Stream


@pytest.mark.parametrize(("rejected", "words"), [(0, None), (110, "110 REFUSED")])
def test_refused_rows_are_told_by_what_reads_again_and_by_a_job(rejected, words, capsys):
    shown = {"stream": "item", "seconds": 1.0, "loaded": 210, "changed": 0, "run_id": "r"}
    sentence = backfill.told("refreshed", {**shown, "rejected": rejected})
    progress = Progress()
    progress.streams["item"] = Stream(loaded=210, rejected=rejected)
    run._say("a-job", job_run.Ended("r", 0), progress, 1.0, as_json=False)
    for said in (sentence, capsys.readouterr().err):
        assert ("REFUSED" in said) is (words is not None)
        assert words is None or words in said
