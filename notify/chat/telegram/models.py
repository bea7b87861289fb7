"""aiogram's models, each completed when it is first used: all at once they cost a process seconds of its start."""

from functools import cache
from typing import Any

from pydantic import BaseModel

Names = dict[str, Any]


@cache
def load_aiogram() -> None:
    """Import aiogram without completing its models.

    On import aiogram calls `model_rebuild` of some 450 classes with the names their annotations may use. Here the
    names are kept instead, and a class is completed with them by pydantic itself when it is first used: the same
    classes, the same validation. Where aiogram is imported already, nothing changes.
    """
    names: Names = {}
    rebuild = BaseModel.__dict__["model_rebuild"].__func__

    def keep_names(_cls: type[Any], /, *, _types_namespace: Names | None = None, **_options: Any) -> None:
        names.update(_types_namespace or {})

    def rebuild_with_names(cls: type[Any], /, *, _types_namespace: Names | None = None, **options: Any) -> Any:
        options.pop("_parent_namespace_depth", None)
        return rebuild(cls, _types_namespace=_types_namespace or names or None, **options)

    _set_rebuild(BaseModel, keep_names)
    try:
        from aiogram.methods.base import Response, TelegramMethod
        from aiogram.types.base import TelegramObject
    finally:
        _set_rebuild(BaseModel, rebuild)
    for base in (TelegramObject, TelegramMethod, Response):
        _set_rebuild(base, rebuild_with_names)


def _set_rebuild(model: Any, function: Any) -> None:
    model.model_rebuild = classmethod(function)
