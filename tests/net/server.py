"""server.py - an HTTP server for the download tests that misbehaves as its URLs say.

GET /MODE/NAME serves NAME from a folder. MODE is one or more of these, with '+' between:

  good       ranges, ETag, If-Range                 noranges   the whole file whatever is asked
  cut=N      the connection drops after N bytes of the file (by its Content-Length there would be more)
  cutonce=N  the same, once for each NAME           slow=N     about N bytes a second
  stall=N    after N bytes nothing more comes       stallonce  the same after half, once for each NAME
  fail=N:C   the first N requests are answered with status C (503: with Retry-After 1)
  busy=S     429 with Retry-After S                 other      another ETag than before: the file has changed
  to=SCHEME  redirect to SCHEME://127.0.0.1/NAME    wrong      the bytes of another file
  offset     answers with another range             nolength   no Content-Length, closes at the end

Every request is remembered before it is answered: its path, Range, If-Range and Host (for a proxy, path is the whole
URL; it is answered as /good/NAME).
"""
import http.server
import os
import sys
import threading
import time
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def remember(self):
        head = self.headers
        seen = {"path": self.path, "range": head.get("Range"), "if_range": head.get("If-Range"), "host": head.get("Host")}
        self.server.requests.append(seen)

    def refuse(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.remember()
        path = urllib.parse.urlparse(self.path).path
        parts = path.strip("/").split("/")
        if self.path.startswith("http:"):
            parts = ["good", os.path.basename(path)]
        modes = dict(m.partition("=")[::2] for m in parts[0].split("+"))
        name = parts[-1]
        if "fail" in modes:
            times, code = map(int, modes["fail"].split(":"))
            if self.server.count((self.path, "fail")) <= times:
                return self.refuse(code, **({"Retry_After": "1"} if code == 503 else {}))
        if "busy" in modes:
            return self.refuse(429, Retry_After=modes["busy"])
        if "to" in modes:
            return self.refuse(302, Location=f"{modes['to']}://127.0.0.1/{name}")
        try:
            with open(os.path.join(self.server.folder, name), "rb") as f:
                data = f.read()
        except OSError:
            return self.refuse(404)
        if "wrong" in modes:
            data = bytes(b ^ 0x55 for b in data)
        self.serve(data, modes, name)

    def serve(self, data, modes, name):
        tag = '"other"' if "other" in modes else '"first"'
        start = 0
        asked = self.headers.get("Range")
        if asked and "noranges" not in modes and self.headers.get("If-Range", tag) == tag:
            start = int(asked[len("bytes="):].split("-")[0])
            if start >= len(data):
                return self.refuse(416, Content_Range=f"bytes */{len(data)}")
            sent = start + 1 if "offset" in modes and self.server.count((name, "offset")) == 1 else start
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {sent}-{len(data) - 1}/{len(data)}")
            start = sent
        else:
            self.send_response(200)
        self.send_header("ETag", tag)
        if "nolength" in modes:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.send(data, start, modes, name)

    def send(self, data, start, modes, name):
        end = len(data)
        if "cut" in modes:
            end = min(end, int(modes["cut"]))
        if "cutonce" in modes and self.server.count((name, "cut")) == 1:
            end = min(end, int(modes["cutonce"]))
        stall = "stall" in modes or ("stallonce" in modes and self.server.count((name, "stall")) == 1)
        if stall:
            end = min(end, int(modes.get("stall") or len(data) // 2))
        rate = int(modes.get("slow", 0))
        piece = max(1, rate // 20) if rate else 1 << 16
        try:
            while start < end:
                stop = min(end, start + piece)
                self.wfile.write(data[start:stop])
                self.wfile.flush()
                start = stop
                if rate:
                    time.sleep(0.05)
            if stall:
                time.sleep(20)
        except OSError:
            self.close_connection = True
        if end < len(data) or stall:
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.requests, self.counts, self.lock = folder, [], {}, threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def count(self, key):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key]

    def url(self, modes):
        return f"http://127.0.0.1:{self.server_port}/{modes}"

    def handle_error(self, *args):
        pass


if __name__ == "__main__":  # server.py FOLDER: for the screen tests
    server = Server(sys.argv[1])
    print(server.server_port, flush=True)
    threading.Event().wait()
