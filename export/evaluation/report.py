"""One HTML file that carries everything: figures with their intervals, plots, and the worst mistakes as pictures."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure

from export.evaluation import plots
from export.evaluation.evaluate import MAIN_TEMPLATES, Evaluation, summary
from export.evaluation.mistakes import Mistake, Ranked, thumbnail, worst_mistakes
from export.metrics.intervals import Estimate

MISTAKES = 12
_PROBLEMS_SHOWN = 20

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left}
td small{color:#666}.warn{background:#fde8d7;border:1px solid #d55e00;padding:.6rem 1rem}
.plots{display:flex;flex-wrap:wrap;gap:1rem}.ranks{display:flex;gap:.4rem;margin:.6rem 0;align-items:end}
figure{margin:0;font-size:12px;text-align:center}.ranks img{width:64px;height:128px;border:4px solid #888}
.ranks .right img{border-color:#009e73}.ranks .wrong img{border-color:#d55e00}.ranks .query{margin-right:1rem}
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the report is about: the data's name, who of it was measured, and whether its pictures may be shown."""

    data: str
    who: str
    pictures: bool


def html_report(evaluations: Sequence[Evaluation], subject: Subject) -> str:
    """Write the report of one or several models measured on the same pictures. Nothing in it is fetched."""
    drawn = [
        plots.cmc(evaluations),
        plots.det(evaluations),
        plots.tpir_fpir(evaluations),
        plots.by_gallery_size(evaluations),
        plots.by_templates(evaluations),
        *(plots.distances(one) for one in evaluations),
    ]
    names = ", ".join(one.name for one in evaluations)
    parts = [
        f"<h1>{escape(names)}</h1>",
        _warning(subject),
        _data(evaluations[0], subject),
        "<h2>Figures</h2>",
        _table(evaluations),
        _reading(evaluations[0]),
        "<h2>Plots</h2><div class=plots>",
        *(_plot(figure) for figure in drawn),
        "</div>",
        *(_mistakes(one) for one in evaluations if subject.pictures),
    ]
    head = f"<meta charset=utf-8><title>Evaluation: {escape(names)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _warning(subject: Subject) -> str:
    if not subject.pictures:
        return ""
    return (
        "<p class=warn><b>This file contains pictures of people.</b> If they are real people these are personal data: "
        "keep the report where the pictures themselves may be kept, or write it without them "
        "(<code>--no-pictures</code>).</p>"
    )


def _data(evaluation: Evaluation, subject: Subject) -> str:
    data = evaluation.data
    people = len({sample.identity for sample in data.samples})
    cameras = len({sample.camera for sample in data.samples if sample.camera is not None})
    seen = f"{cameras} cameras" if cameras else "cameras not known: each picture counts as a camera of its own"
    listed = "".join(
        f"<li>{escape(problem.path.name)}: {escape(problem.reason)}</li>" for problem in data.problems[:_PROBLEMS_SHOWN]
    )
    left_out = (
        f"<p>{len(data.problems)} pictures could not be read and were left out:</p><ul>{listed}</ul>" if listed else ""
    )
    return (
        f"<p>{len(data.samples)} pictures of {people} people of <b>{escape(subject.data)}</b> "
        f"({escape(subject.who)}); {seen}.</p>{left_out}"
    )


def _table(evaluations: Sequence[Evaluation]) -> str:
    summaries = [summary(one) for one in evaluations]
    rows = []
    for name, first in summaries[0].items():
        cells = "".join(f"<td>{_value(one[name])}</td>" for one in summaries)
        rows.append(f"<tr><th>{escape(name)}</th>{cells}<td><small>{first.n} {escape(first.unit)}</small></td></tr>")
    head = "".join(f"<th>{escape(one.name)}</th>" for one in evaluations)
    return f"<table><tr><th></th>{head}<th>n</th></tr>{''.join(rows)}</table>"


def _value(one: Estimate) -> str:
    return f"{one.value:.3f} <small>[{one.low:.3f}–{one.high:.3f}]</small>"


def _reading(evaluation: Evaluation) -> str:
    setting, retrieval = evaluation.main.setting, evaluation.retrieval
    return (
        "<p>Brackets are 95% intervals from a bootstrap over people. <b>rank-1, mAP, mINP</b>: Market-1501's protocol, "
        "one query a person and camera, the person's pictures by the same camera left out "
        f"({retrieval.without_answer} queries had no other camera and ask nothing). <b>TAR, FAR, EER</b>: pairs of "
        "pictures; genuine pairs are by two cameras. <b>TPIR at FPIR</b>: "
        f"{setting.gallery_size} people enrolled with at most {MAIN_TEMPLATES} templates each, which decide by "
        f"{setting.fusion}, probes by other cameras, over {setting.draws} draws; the threshold is set by one half of "
        "the strangers, never by those who are scored.</p>"
    )


def _plot(figure: Figure) -> str:
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110)
    title = escape(figure.axes[0].get_title())
    return f'<img alt="{title}" src="data:image/png;base64,{base64.b64encode(png.getvalue()).decode("ascii")}">'


def _mistakes(evaluation: Evaluation) -> str:
    mistakes = worst_mistakes(evaluation, MISTAKES)
    wrong = int((evaluation.retrieval.first_rank > 0).sum())
    heading = f"<h2>Worst mistakes: {escape(evaluation.name)}</h2>"
    if not mistakes:
        return f"{heading}<p>None: every query's nearest picture is the right person.</p>"
    explained = (
        f"<p>{wrong} of {len(evaluation.retrieval.queries)} queries have another person nearest. In these the right "
        "person is farthest behind: the query, then the nearest pictures with their distances; green is right.</p>"
    )
    return heading + explained + "".join(_rank_list(mistake) for mistake in mistakes)


def _rank_list(mistake: Mistake) -> str:
    shown = "".join(_ranked(one) for one in mistake.ranked)
    caption = f"<figcaption>{escape(mistake.query.identity)}<br>right at {mistake.right_rank}</figcaption>"
    query = f'<figure class=query><img alt="query" src="{thumbnail(mistake.query)}">{caption}</figure>'
    return f"<div class=ranks>{query}{shown}</div>"


def _ranked(one: Ranked) -> str:
    kind = "right" if one.right else "wrong"
    caption = f"<figcaption>{escape(one.sample.identity)}<br>{one.distance:.3f}</figcaption>"
    return f'<figure class={kind}><img alt="{kind}" src="{thumbnail(one.sample)}">{caption}</figure>'
