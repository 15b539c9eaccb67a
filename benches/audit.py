#!/usr/bin/env python3
"""Credentials per second, CPU and peak memory of a whole `credwatch audit`, beside a raw load generator.

    benches/audit.py [-n CREDENTIALS] [-c CONCURRENCY] [--runs R] [--protocol h1|h2|both] [--binary PATH]
    benches/audit.py --others    start-up, one app, curl, msal, memory, and a line with 100 ms of latency

Needs nginx (the TLS endpoint), openssl, and oha (`cargo install oha --locked`), which sends the same request
from memory: no inventory, no secret to resolve, no verdict, no report. Both are whole processes, run in
turns (A B A B), with the same number of requests, concurrency and protocol against the same server on loopback.
msal is compared where the Python that runs this has it (`pip install msal`).
Rates on a shared machine move by 40 %: believe the ratios and the CPU per credential.
"""
import argparse, asyncio, importlib.util, json, math, multiprocessing, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOKEN = json.dumps({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "e" * 1700})
APP = """\
  - name: app-{i:06}
    client_id: 5d55a7f4-9d2f-4b32-8b5b-{i:012x}
    secret: env:BENCH_SECRET_{s}
    secret_id: 6befd701-d38a-45b1-bbad-{i:012x}
    expires: 2099-03-01
    created: 2098-03-01
    scope: https://graph.microsoft.com/.default
    owners: [team-{t}@example.org]
    tags: [bench, "team-{t}"]
    used_by: payroll
    notes: Interface number {i} of the benchmark
    warn: 30d
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_endpoint(folder, h2):
    """nginx with TLS 1.3 on loopback, answering every POST like Entra; returns (process, port)."""
    port = free_port()
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    openssl = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    openssl("req", "-x509", *key, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=bench-ca",
            "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-x509", *key, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-keyout", folder / "server.key",
            "-out", folder / "server.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE")
    conf = folder / "nginx.conf"
    conf.write_text(f"""
worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; http2_max_concurrent_streams 512;
  server {{
    listen 127.0.0.1:{port} ssl {"http2" if h2 else ""}; ssl_protocols TLSv1.3;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    location ~ /openid-configuration$ {{ default_type application/json; return 200 '{metadata(port)}'; }}
    location / {{ default_type application/json; return 200 '{TOKEN}'; }}
  }}
}}
""")
    process = subprocess.Popen(["nginx", "-c", conf, "-p", folder], stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nginx did not start: see {folder}/error.log")


# A process begins with its parent's peak: a small one in between keeps this script's memory out of the figures.
LAUNCH = """
import os, sys, time
begin = time.monotonic()
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent), 0)
print(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measure(command, env):
    """Wall seconds, CPU seconds and peak resident MiB of one whole process."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH, *command], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr[:2000]}")
    return tuple(float(figure) for figure in done.stdout.split())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20_000)
    parser.add_argument("-c", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--protocol", choices=["h1", "h2", "both"], default="both")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--binary", default=ROOT / "target/dist/credwatch")
    parser.add_argument("--oha", default=shutil.which("oha") or pathlib.Path.home() / ".cargo/bin/oha")
    args = parser.parse_args()
    for tool in (args.binary, args.oha):
        if not os.access(tool, os.X_OK):
            sys.exit(f"{tool} is missing: `cargo build --profile dist`, `cargo install oha --locked`")
    if args.others:
        return others(args)
    for protocol in ("h1", "h2") if args.protocol == "both" else (args.protocol,):
        bench(args, protocol)


def metadata(port):
    """What msal asks for before it asks for a token."""
    root = f"https://localhost:{port}/{TENANT}"
    return json.dumps({"issuer": f"{root}/v2.0", "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                       "token_endpoint": f"{root}/oauth2/v2.0/token"})


# As its documentation has it: one client for each app, one after the other.
MSAL = """
import msal, os, sys
for i in range(int(sys.argv[3])):
    app = msal.ConfidentialClientApplication(
        f"5d55a7f4-9d2f-4b32-8b5b-{i:012x}", authority=sys.argv[1], verify=sys.argv[2], instance_discovery=False,
        client_credential=os.environ[f"BENCH_SECRET_{i % 100}"])
    assert "access_token" in app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
"""
TENANT = "d0070a32-58f9-456f-933e-cf72e5638957"
FORM = (f"grant_type=client_credentials&client_id={TENANT}&client_secret=Zq8~0000{'abcdefgh' * 4}"
        "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default")


def write_inventory(folder, port, count):
    """An inventory of this many apps at an endpoint on loopback; returns the environment with their secrets."""
    head = f"version: 1\ndefaults: {{provider: entra, tenant: {TENANT}, authority: 'https://localhost:{port}'}}\napps:\n"
    with open(folder / "apps.yaml", "w") as inventory:
        inventory.write(head)
        inventory.writelines(APP.format(i=i, s=i % 100, t=i % 50) for i in range(count))
    (folder / "credwatch.yaml").write_text(f"version: 1\nca: {folder}/ca.pem\n")
    # A bundle in the environment would win over the one msal is given.
    foreign = ("proxy", "ca_bundle")
    env = {key: value for key, value in os.environ.items() if not any(word in key.lower() for word in foreign)}
    return env | {f"BENCH_SECRET_{s}": f"Zq8~{s:04}{'abcdefgh' * 4}" for s in range(100)}


def audit(args, folder, env, concurrency):
    """One audit from a state that remembers nothing."""
    for file in folder.glob("state.db*"):
        file.unlink()
    figures = measure([str(args.binary), "audit", str(folder / "apps.yaml"), "--no-notify", "-q", "--concurrency",
                       str(concurrency), "--state", f"sqlite:{folder}/state.db", "-o", f"json={folder}/report.json"], env)
    summary = json.loads((folder / "report.json").read_text())["summary"]
    assert summary["credentials"] == summary["ok"], summary
    return figures


def bench(args, protocol):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="credwatch-bench-"))
    server, port = start_endpoint(folder, protocol == "h2")
    try:
        env = write_inventory(folder, port, args.n)
        raw = [str(args.oha), "--no-tui", "--insecure", "-n", str(args.n), "-c", str(args.c), "-m", "POST",
               "-T", "application/x-www-form-urlencoded", "-d", FORM, "--output-format", "json",
               f"https://localhost:{port}/{TENANT}/oauth2/v2.0/token"]
        raw[1:1] = ["--http2"] if protocol == "h2" else []
        rows = {"credwatch": [], "oha": []}
        for run in range(args.runs + 1):
            pair = {"credwatch": audit(args, folder, env, args.c), "oha": measure(raw, env)}
            if run:  # the first pair warms the caches
                for name, figures in pair.items():
                    rows[name].append(figures)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
    show(args, protocol, rows)


def others(args):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="credwatch-bench-"))
    server, port = start_endpoint(folder, False)
    middle = lambda rows: [statistics.median(column) for column in zip(*rows)]
    times = lambda run: middle([run() for _ in range(args.runs + 1)][1:])
    try:
        env = write_inventory(folder, port, 1)
        version = times(lambda: measure([str(args.binary), "--version"], env))
        one = times(lambda: audit(args, folder, env, 64))
        print(f"--version {version[0] * 1e3:.1f} ms; one app to its verdict {one[0] * 1e3:.1f} ms")
        count = 2000
        env = write_inventory(folder, port, count)
        (folder / "curl.conf").write_text("\nnext\n".join(
            f'url = "https://localhost:{port}/{TENANT}/oauth2/v2.0/token"\ndata = "{FORM}"\noutput = "/dev/null"\n'
            f'cacert = "{folder}/ca.pem"\nsilent' for _ in range(count)))
        curl = ["curl", "--parallel", "--parallel-max", "64", "-K", str(folder / "curl.conf")]
        beside(args, folder, env, count, "curl --parallel", curl)
        few = 200
        env = write_inventory(folder, port, few)
        if importlib.util.find_spec("msal"):
            authority = f"https://localhost:{port}/{TENANT}"
            beside(args, folder, env, few, "msal", [sys.executable, "-c", MSAL, authority, str(folder / "ca.pem"), str(few)])
        else:
            print("msal: this Python has none, so it is not compared")
        latency, near = 0.1, free_port()
        line = multiprocessing.Process(target=lambda: asyncio.run(delayed(near, port, latency / 2)), daemon=True)
        line.start()
        env = write_inventory(folder, near, count)
        time.sleep(0.5)
        for concurrency in (64, 256):
            wall = times(lambda: audit(args, folder, env, concurrency))[0]
            ideal = math.ceil(count / concurrency) * latency + 2 * latency
            print(f"100 ms line, N = {count}, C = {concurrency}: {wall:.2f} s, {wall / ideal:.2f} of ceil(N/C) x L + 2L")
        line.terminate()
        env = write_inventory(folder, port, 100_000)
        print(f"N = 100000: peak {audit(args, folder, env, 64)[2]:.1f} MiB")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def beside(args, folder, env, count, name, command):
    """An audit and another whole process in turns."""
    pairs = [(audit(args, folder, env, 64), measure(command, env)) for _ in range(args.runs)]
    ours, theirs = ([statistics.median(column) for column in zip(*rows)] for rows in zip(*pairs))
    print(f"N = {count}: {count / ours[0]:.0f} a second, peak {ours[2]:.1f} MiB; "
          f"{name} {count / theirs[0]:.0f} a second: {theirs[0] / ours[0]:.1f}x")


async def delayed(near, far, seconds):
    """Passes bytes between two ports, each chunk this much later than it came."""
    async def pump(reader, writer):
        loop = asyncio.get_running_loop()
        while chunk := await reader.read(65536):
            loop.call_later(seconds, writer.write, chunk)
        loop.call_later(seconds, writer.close)

    async def serve(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", far)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)

    async with await asyncio.start_server(serve, "127.0.0.1", near, backlog=1024) as server:
        await server.serve_forever()


def show(args, protocol, rows):
    median = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in rows.items()}
    print(f"\nN = {args.n}, C = {args.c}, {protocol} over TLS 1.3 on loopback, median of {args.runs} paired runs, whole processes")
    print(f"{'':12}{'per second':>12}{'wall s':>9}{'CPU s':>8}{'CPU us each':>13}{'peak MiB':>10}")
    for name, (wall, cpu, peak) in median.items():
        print(f"{name:12}{args.n / wall:12.0f}{wall:9.2f}{cpu:8.2f}{cpu / args.n * 1e6:13.0f}{peak:10.1f}")
    (wall_a, cpu_a, _), (wall_b, cpu_b, _) = median["credwatch"], median["oha"]
    print(f"credwatch to oha: rate {wall_b / wall_a:.2f}x, CPU {cpu_a / cpu_b:.2f}x")


if __name__ == "__main__":
    main()
