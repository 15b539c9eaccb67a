"""Random crontab lines: `credwatch next` against cronsim, which follows Debian's cron.

usage: schedule_oracle.py CREDWATCH [SEED [COUNT]]
"""

import os

# The zones of the pinned tzdata package, not this machine's.
os.environ["PYTHONTZPATH"] = ""

import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

ZONES = ["UTC", "Europe/Oslo", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()
FIRES = 5
# Beyond eight years credwatch calls a line one that never fires.
HORIZON = timedelta(days=7 * 365)


def spell(random_, value, names, first):
    """A value as a number, or sometimes as a name in any case."""
    if names and random_.random() < 0.4:
        name = names[(value - first) % len(names)]
        return random_.choice([name, name.lower(), name.capitalize()])
    return str(value)


def item(random_, first, last, names):
    low = random_.randint(first, last)
    kind = random_.choice(["value", "value", "range", "range/step"])
    if kind == "value" or low == last:
        return spell(random_, low, names, first)
    # `a-a/n` is left out: nobody writes it, and implementations read it differently.
    high = random_.randint(low + 1, last)
    step = f"/{random_.randint(2, max(2, (last - first) // 3))}" if kind == "range/step" else ""
    return f"{low}-{high}{step}"


def field(random_, first, last, names=None, star=0.4):
    draw = random_.random()
    if draw < star:
        return "*"
    if draw < star + 0.12:
        return f"*/{random_.randint(2, max(2, (last - first) // 2))}"
    return ",".join(item(random_, first, last, names) for _ in range(random_.choice([1, 1, 1, 2, 3])))


def line(random_):
    hours = ["0", "1", "2", "3", "1-3", "*/2", None, None]
    return " ".join([
        # Few minutes of the hour: the times asked for then reach over a clock change.
        str(random_.randint(0, 59)) if random_.random() < 0.5 else field(random_, 0, 59, star=0.15),
        # Half of the lines fire in the hours that clocks skip or repeat.
        random_.choice(hours) or field(random_, 0, 23, star=0.3),
        field(random_, 1, 31, star=0.5),
        field(random_, 1, 12, MONTHS, star=0.7),
        field(random_, 0, 7, WEEKDAYS, star=0.5),
    ])


def moment(random_, zone):
    """Any second of some years, or one in the day before a clock change."""
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    at = start + timedelta(seconds=random_.randrange(6 * 365 * 86400))
    if random_.random() < 0.6:
        for _ in range(366):
            following = at + timedelta(days=1)
            if at.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
                return at - timedelta(seconds=random_.randrange(86400))
            at = following
    return at


def after_half_an_hours_change(time):
    """Here cronsim steps over half an hour of times that exist."""
    before = (time.astimezone(timezone.utc) - timedelta(days=1)).astimezone(time.tzinfo)
    return (before.utcoffset() - time.utcoffset()).seconds % 3600 != 0


def oracle(expression, at, zone):
    """The next times, or nothing where there is nothing to compare with."""
    times = []
    last = at.astimezone(zone)
    try:
        following = CronSim(expression, last)
    except CronSimError:  # the 31st of February
        return []
    for time in following:
        if time - last > HORIZON or after_half_an_hours_change(time):
            return []
        last = time
        times.append(time.isoformat())
        if len(times) == FIRES:
            break
    return times if len(times) == FIRES else []


def main():
    credwatch = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261121
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    print(f"seed {seed}")
    random_ = random.Random(seed)
    done = failed = 0
    while done < count:
        name = ZONES[done % len(ZONES)]
        expression, at = line(random_), moment(random_, ZoneInfo(name))
        expected = oracle(expression, at, ZoneInfo(name))
        if not expected:
            continue
        done += 1
        command = [credwatch, "next", expression, "--timezone", name, "--from", at.isoformat(), "-n", str(FIRES)]
        ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if ran.returncode != 0 or ran.stdout.split() != expected:
            failed += 1
            print(f"{expression!r} in {name} from {at.isoformat()}")
            print(f"  cronsim:   {' '.join(expected)}")
            print(f"  credwatch: {' '.join(ran.stdout.split()) or ran.stderr.strip()}")
    print(f"{done - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
