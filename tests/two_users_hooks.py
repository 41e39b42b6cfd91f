"""What Schemathesis asks and hears in `tests/two-users`: ids of the first maker in every request, and
a look for what is private of them in every answer."""

import json
import os
import random

import schemathesis

TOLD = json.loads(os.environ["TWO_USERS"])
FIRST, SECOND = TOLD["first"], TOLD["second"]
DICE = random.Random(1)
ASKED = 0

# Which ids a path wants, by how it begins.
KINDS = [
    ("/v1/places/{id}", "place"), ("/v1/producers/{id}", "producer"),
    ("/v1/listings/{id}", "listing"), ("/v1/claims/{id}", "claim"),
    ("/v1/moderation/queue/{id}", "queue"), ("/v1/auth/sessions/{id}", "session"),
    ("/v1/keys/{id}", "key"), ("/v1/webhooks/{id}", "webhook"),
]
# Members of bodies and parameters that name a listing.
NAMES = {"into", "centre", "venue", "near", "other", "target"}


def whose():
    """The first maker, mostly."""
    return FIRST if DICE.random() < 0.8 else SECOND


def id_for(path, name):
    maker = whose()
    if name in ("system", "external_id"):
        return FIRST["system" if name == "system" else "record"]
    if name in ("rev", "product"):
        return DICE.choice(maker["revision" if name == "rev" else "product"])
    if name == "account" or path.startswith("/v1/accounts/"):
        return maker["account"]
    for start, kind in KINDS:
        # The session that asks is not to be ended, and no webhook of its own to lead anywhere.
        maker = FIRST if kind in ("session", "webhook") else maker
        if path.startswith(start) and name == "id" and maker[kind]:
            return DICE.choice(maker[kind])
    return None


@schemathesis.hook
def before_call(context, case, kwargs):
    path = case.operation.path
    if isinstance(case.path_parameters, dict):
        for name in list(case.path_parameters):
            wanted = id_for(path, name)
            if wanted is not None:
                case.path_parameters[name] = wanted
    if isinstance(case.body, dict):
        for name in NAMES & set(case.body):
            case.body[name] = FIRST["listing"][0]
    if isinstance(case.query, dict) and "id" in case.query:
        case.query["id"] = FIRST["listing"]
    if case.method.upper() == "PATCH" and DICE.random() < 0.8:
        case.headers = dict(case.headers or {}) | {"If-Match": FIRST["etag"]}


@schemathesis.hook
def after_call(context, case, response):
    global ASKED
    ASKED += 1
    sent = response.request
    asked = f"{sent.method} {sent.url} {sent.body!r}"
    heard = response.text + " ".join(f"{k}: {v}" for k, v in response.headers.items())
    private = [TOLD["mark"], FIRST["token"], FIRST["ticket"], FIRST["account"]]
    # What was sent may be said back.
    leak = next((word for word in private if word in heard and word not in asked), None)
    if leak or ASKED % 50 == 1:
        what = f"{sent.method} {sent.path_url[:300]}"
        entry = {"asked": ASKED, "leak": leak, "status": response.status_code, "what": what}
        with open(TOLD["seen"], "a") as seen:
            seen.write(json.dumps(entry) + "\n")
