"""Who is called at night: PagerDuty's Events API, Slack's Web API and SendGrid's, as far as pages use them."""

from typing import Any
from urllib.parse import unquote

from opsconsole.sandbox.books import Row
from opsconsole.sandbox.http11 import Request, Response, answer
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.world import references

ACTIONS = ("trigger", "acknowledge", "resolve")


class PagerDuty(Neighbour):
    """One alert a key: a repetition joins it, and a resolve closes it."""

    name = "pagerduty"

    def make_routes(self) -> list[Route]:
        return [route("POST", "/v2/enqueue", "page", run=self._enqueue, refs=_key)]

    def _enqueue(self, request: Request, found: Found) -> Response:
        event = request.json()
        key, action = str(event.get("dedup_key", "")), event.get("event_action")
        if not event.get("routing_key") or action not in ACTIONS or not key:
            return answer({"status": "invalid event", "message": "Event object is invalid", "errors": []}, 400)
        row: Row = {"key": key, "action": action, "summary": event.get("payload", {}).get("summary", "")}
        self.world.books.put(self.name, "messages", key, row)
        self.world.books.note(self.name, "paged", key=key, action=action)
        return answer({"status": "success", "message": "Event processed", "dedup_key": key}, 202)


class Slack(Neighbour):
    name = "slack"

    def make_routes(self) -> list[Route]:
        return [
            route("POST", "/api/chat.postMessage", "page", run=self._post, refs=_metadata),
            route("GET", "/api/conversations.history", "ask_page", run=self._history),
        ]

    @property
    def messages(self) -> dict[str, Row]:
        return self.world.books.rows(self.name, "messages")

    def _post(self, request: Request, found: Found) -> Response:
        given = request.json()
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return answer({"ok": False, "error": "not_authed"})
        if not given.get("channel") or not given.get("text"):
            return answer({"ok": False, "error": "no_text"})
        ts = f"1700000000.{len(self.messages) + 1:06d}"
        row: Row = {"ts": ts, **{name: given.get(name) for name in ("channel", "text", "metadata")}}
        self.world.books.put(self.name, "messages", ts, row)
        self.world.books.note(self.name, "posted", channel=given["channel"], text=given["text"])
        return answer({"ok": True, "channel": given["channel"], "ts": ts})

    def _history(self, request: Request, found: Found) -> Response:
        channel = unquote(str(request.query.get("channel", "")))
        rows = [row for row in self.messages.values() if row["channel"] == channel]
        return answer({"ok": True, "messages": list(reversed(rows))[:100]})


class Mail(Neighbour):
    name = "mail"

    def make_routes(self) -> list[Route]:
        return [
            route("POST", "/v3/mail/send", "page", run=self._send, refs=_custom),
            route("GET", "/v3/messages", "ask_page", run=self._find),
        ]

    def _send(self, request: Request, found: Found) -> Response:
        given = request.json()
        people = given["personalizations"][0]
        if not people.get("to") or not given.get("content"):
            return answer({"errors": [{"message": "no recipient or no content"}]}, 400)
        key = str(people.get("custom_args", {}).get("page_key", ""))
        number = len(self.world.books.rows(self.name, "messages")) + 1
        row: Row = {"msg_id": f"M{number:06d}", "key": key, "to": [each["email"] for each in people["to"]]}
        row |= {"subject": given.get("subject", ""), "text": given["content"][0]["value"]}
        self.world.books.put(self.name, "messages", row["msg_id"], row)
        self.world.books.note(self.name, "mailed", to=row["to"], subject=row["subject"])
        return Response(202, b"", "application/json")

    def _find(self, request: Request, found: Found) -> Response:
        wanted = unquote(str(request.query.get("query", "")))
        rows = self.world.books.rows(self.name, "messages").values()
        hits: list[dict[str, Any]] = [{"msg_id": row["msg_id"]} for row in rows if row["key"] and row["key"] in wanted]
        return answer({"messages": hits[:1]})


def _key(request: Request, found: Found) -> list[str]:
    return references(request.json().get("dedup_key"))


def _metadata(request: Request, found: Found) -> list[str]:
    return references(request.json().get("metadata", {}).get("event_payload", {}).get("key"))


def _custom(request: Request, found: Found) -> list[str]:
    return references(request.json()["personalizations"][0].get("custom_args", {}).get("page_key"))
