"""The chat door: aiogram as a guest, one small file per thing a person does; no rule lives here."""
