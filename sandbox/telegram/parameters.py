"""What the Bot API takes, version 10.1: parameters of the methods and fields of the objects, with type and length.

A row is `name:Type`, `name!:Type` when required; `A|B` is either, `X[]` an array; `{1-64}` is a length in UTF-16 units,
`{1-64b}` in bytes, `~` one that the method's handler measures, after parsing entities. What is retired is left out (XR9).
"""

API_VERSION = "Bot API 10.1"

_CHAT = "chat_id!:Integer|String"
_THREAD = "business_connection_id:String message_thread_id:Integer"
_ENTITIES = "parse_mode:String entities:MessageEntity[]"
_MARKUP = "reply_markup:InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply"
_ALBUM = f"""{_CHAT} {_THREAD} direct_messages_topic_id:Integer disable_notification:Boolean protect_content:Boolean
    allow_paid_broadcast:Boolean message_effect_id:String reply_parameters:ReplyParameters"""
_SEND = f"{_ALBUM} suggested_post_parameters:SuggestedPostParameters {_MARKUP}"
_CAPTION = "caption:String{0-1024~} parse_mode:String caption_entities:MessageEntity[]"
_ABOVE = "show_caption_above_media:Boolean"
_EDIT = """business_connection_id:String chat_id:Integer|String message_id:Integer inline_message_id:String
    reply_markup:InlineKeyboardMarkup"""
_COMMANDS = "scope:BotCommandScope language_code:String"

#: method → its parameters
METHODS: dict[str, str] = {
    "getMe": "",
    "getUpdates": "offset:Integer limit:Integer timeout:Integer allowed_updates:String[]",
    "setWebhook": """url!:String certificate:InputFile ip_address:String max_connections:Integer
        allowed_updates:String[] drop_pending_updates:Boolean secret_token:String{1-256}""",
    "deleteWebhook": "drop_pending_updates:Boolean",
    "getWebhookInfo": "",
    "sendMessage": f"{_SEND} text!:String{{1-4096~}} {_ENTITIES} link_preview_options:LinkPreviewOptions",
    "sendPhoto": f"{_SEND} photo!:InputFile|String {_CAPTION} {_ABOVE} has_spoiler:Boolean",
    "sendDocument": f"""{_SEND} document!:InputFile|String thumbnail:InputFile|String {_CAPTION}
        disable_content_type_detection:Boolean""",
    "sendVoice": f"{_SEND} voice!:InputFile|String {_CAPTION} duration:Integer",
    "sendMediaGroup": f"""{_ALBUM} media!:InputMediaAudio[]|InputMediaDocument[]|InputMediaLivePhoto[]|InputMediaPhoto[]|
        InputMediaVideo[]""",
    "sendLocation": f"""{_SEND} latitude!:Float longitude!:Float horizontal_accuracy:Float live_period:Integer
        heading:Integer proximity_alert_radius:Integer""",
    "sendContact": f"{_SEND} phone_number!:String first_name!:String last_name:String vcard:String{{0-2048b}}",
    "sendChatAction": f"{_CHAT} {_THREAD} action!:String",
    "editMessageText": f"""{_EDIT} text:String{{1-4096~}} {_ENTITIES} link_preview_options:LinkPreviewOptions
        rich_message:InputRichMessage""",
    "editMessageCaption": f"{_EDIT} {_CAPTION} {_ABOVE}",
    "editMessageReplyMarkup": _EDIT,
    "deleteMessage": f"{_CHAT} message_id!:Integer",
    "deleteMessages": f"{_CHAT} message_ids!:Integer[]",
    "pinChatMessage": f"{_CHAT} message_id!:Integer business_connection_id:String disable_notification:Boolean",
    "answerCallbackQuery": """callback_query_id!:String text:String{0-200~} show_alert:Boolean url:String
        cache_time:Integer""",
    "getFile": "file_id!:String",
    "getChat": _CHAT,
    "getChatMember": f"{_CHAT} user_id!:Integer",
    "getChatMemberCount": _CHAT,
    "leaveChat": _CHAT,
    "setMyCommands": f"commands!:BotCommand[] {_COMMANDS}",
    "getMyCommands": _COMMANDS,
    "deleteMyCommands": _COMMANDS,
    "setMyName": "name:String{0-64} language_code:String",
    "setMyDescription": "description:String{0-512} language_code:String",
    "setMyShortDescription": "short_description:String{0-120} language_code:String",
    "setChatMenuButton": "chat_id:Integer menu_button:MenuButton",
    "logOut": "",
    "close": "",
}

_MEDIA = f"type!:String media!:String {_CAPTION}"
_SCOPED_CHAT = "type!:String chat_id!:Integer|String"

#: object → its fields; a request with an object that stands in neither table is out of the simulator's reach
OBJECTS: dict[str, str] = {
    "BotCommand": "command!:String{1-32~} description!:String{1-256~}",
    "BotCommandScopeDefault": "type!:String",
    "BotCommandScopeAllPrivateChats": "type!:String",
    "BotCommandScopeAllGroupChats": "type!:String",
    "BotCommandScopeAllChatAdministrators": "type!:String",
    "BotCommandScopeChat": _SCOPED_CHAT,
    "BotCommandScopeChatAdministrators": _SCOPED_CHAT,
    "BotCommandScopeChatMember": f"{_SCOPED_CHAT} user_id!:Integer",
    "CallbackGame": "",
    "CopyTextButton": "text!:String{1-256}",
    "ForceReply": "force_reply!:Boolean input_field_placeholder:String{1-64} selective:Boolean",
    "InlineKeyboardButton": """text!:String icon_custom_emoji_id:String style:String url:String
        callback_data:String{1-64b~} web_app:WebAppInfo login_url:LoginUrl switch_inline_query:String
        switch_inline_query_current_chat:String switch_inline_query_chosen_chat:SwitchInlineQueryChosenChat
        copy_text:CopyTextButton callback_game:CallbackGame pay:Boolean""",
    "InlineKeyboardMarkup": "inline_keyboard!:InlineKeyboardButton[][]",
    "InputMediaDocument": f"{_MEDIA} thumbnail:String disable_content_type_detection:Boolean",
    "InputMediaPhoto": f"{_MEDIA} {_ABOVE} has_spoiler:Boolean",
    "InputRichMessage": "html:String markdown:String is_rtl:Boolean skip_entity_detection:Boolean",
    "KeyboardButton": """text!:String icon_custom_emoji_id:String style:String
        request_users:KeyboardButtonRequestUsers request_chat:KeyboardButtonRequestChat
        request_managed_bot:KeyboardButtonRequestManagedBot request_contact:Boolean request_location:Boolean
        request_poll:KeyboardButtonPollType web_app:WebAppInfo""",
    "KeyboardButtonPollType": "type:String",
    "LinkPreviewOptions": """is_disabled:Boolean url:String prefer_small_media:Boolean prefer_large_media:Boolean
        show_above_text:Boolean""",
    "LoginUrl": "url!:String forward_text:String bot_username:String request_write_access:Boolean",
    "MenuButtonCommands": "type!:String",
    "MenuButtonDefault": "type!:String",
    "MenuButtonWebApp": "type!:String text!:String web_app!:WebAppInfo",
    "MessageEntity": """type!:String offset!:Integer length!:Integer url:String user:User language:String
        custom_emoji_id:String unix_time:Integer date_time_format:String""",
    "ReplyKeyboardMarkup": """keyboard!:KeyboardButton[][] is_persistent:Boolean resize_keyboard:Boolean
        one_time_keyboard:Boolean input_field_placeholder:String{1-64} selective:Boolean""",
    "ReplyKeyboardRemove": "remove_keyboard!:Boolean selective:Boolean",
    "ReplyParameters": """message_id!:Integer chat_id:Integer|String allow_sending_without_reply:Boolean
        quote:String{0-1024} quote_parse_mode:String quote_entities:MessageEntity[] quote_position:Integer
        checklist_task_id:Integer poll_option_id:String""",
    "SwitchInlineQueryChosenChat": """query:String allow_user_chats:Boolean allow_bot_chats:Boolean
        allow_group_chats:Boolean allow_channel_chats:Boolean""",
    "WebAppInfo": "url!:String",
}

#: an object that is one of several
UNIONS: dict[str, tuple[str, ...]] = {
    "BotCommandScope": tuple(name for name in OBJECTS if name.startswith("BotCommandScope")),
    "MenuButton": tuple(name for name in OBJECTS if name.startswith("MenuButton")),
}
