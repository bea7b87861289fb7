"""What happens at each verb of the transition table: one function a verb, a few verbs a file."""

from collections.abc import Callable

from backend.domain.mover import Mover
from backend.domain.moves import arrival, handling, reviews, sending, visiting, watching

EFFECTS: dict[str, Callable[[Mover], None]] = {
    "answer": arrival.answer,
    "accept": arrival.accept,
    "merge": arrival.merge,
    "cancel": arrival.cancel,
    "regrade": arrival.regrade,
    "flag": arrival.flag,
    "decide_flag": arrival.decide_flag,
    "dispatch": sending.dispatch,
    "assist": sending.assist,
    "reassign": sending.reassign,
    "sign": handling.sign,
    "auto_sign": handling.auto_sign,
    "contact": handling.contact,
    "reply": handling.reply,
    "amend": handling.amend,
    "close": handling.close,
    "decide_close": handling.decide_close,
    "send_back": handling.send_back,
    "return": reviews.return_,
    "decide_return": reviews.decide_return,
    "extend": reviews.extend,
    "decide_extension": reviews.decide_extension,
    "claim_unreasonable": reviews.claim_unreasonable,
    "decide_unreasonable": reviews.decide_unreasonable,
    "appeal": reviews.appeal,
    "yellow_card": watching.yellow_card,
    "red_card": watching.red_card,
    "supervise": watching.supervise,
    "report_progress": watching.report_progress,
    "accept_progress": watching.accept_progress,
    "review": watching.review,
    "archive": watching.archive,
    "start_visit": visiting.start_visit,
    "visit": visiting.visit,
    "rework": visiting.rework,
    "finalize": visiting.finalize,
}
