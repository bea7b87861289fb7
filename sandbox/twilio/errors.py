"""Errors of Twilio's REST API: codes, messages and HTTP status as documented."""

from aiohttp import web

# code: (HTTP status, message); {value} is what was given
ERRORS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter {value}"),
    20003: (401, "Authenticate"),
    20404: (404, "The requested resource {value} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    13224: (400, "Dial: Twilio does not support calling this number or the number is invalid: {value}"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL: {value}"),
    21206: (400, "Invalid HTTP method: {value}"),
    21208: (400, "Invalid Timeout: {value}"),
    21210: (400, "The source phone number provided, {value}, is not yet verified for your account."),
    21211: (400, "The phone number you are attempting to call, {value}, is not valid."),
    21212: (400, "The source phone number provided, {value}, is not a valid E.164 number."),
    21213: (400, "No 'From' number is specified"),
    21215: (400, "Account not authorized to call {value}. Perhaps you need to enable some international permissions"),
    21216: (400, "The phone number you are attempting to call, {value}, is blacklisted"),
    21218: (400, "Invalid ApplicationSid or no Url given: {value}"),
    21220: (400, "Call is not in-progress. Cannot redirect or end: {value}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {value}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number provided ({value}) is not a valid message-capable phone number."),
    21610: (400, "Attempt to send to unsubscribed recipient {value}"),
    21614: (400, "'To' number is not a valid mobile number: {value}"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21626: (400, "Invalid StatusCallbackEvent or status callback: {value}"),
}
NOT_VIOLATIONS = {20429, 20500, 20503, 20404, 21220}  # a correct client meets these too; not violations


class TwilioError(Exception):
    """An error with its documented code."""

    def __init__(self, code: int, value: object = "") -> None:
        self.code = code
        self.status, words = ERRORS[code]
        self.message = words.format(value=value)
        super().__init__(self.message)

    def response(self) -> web.Response:
        """Build Twilio's JSON error response."""
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        return web.json_response(body, status=self.status)
