"""A bare page for a web runtime: its own files from npm, a plain loop, nothing else."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

NODE = Path(__file__).parents[1] / "runtimes" / "web" / "node_modules"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".wasm": "application/wasm",
}
ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TFJS = ("tfjs-core/dist/tf-core.es2017", "tfjs-converter/dist/tf-converter.es2017",
        "tfjs-backend-wasm/dist/tf-backend-wasm.es2017")  # fmt: skip

HEAD = {
    "tfjs-wasm": "\n".join(
        f'<script src="/node/@tensorflow/{name}.min.js"></script>' for name in TFJS
    ),
    "ort-web-wasm": '<script src="/node/onnxruntime-web/dist/ort.wasm.min.js"></script>',
    "litertjs-wasm": """<script type="importmap">{"imports": {
"@litertjs/core": "/node/@litertjs/core/dist/index.js",
"@litertjs/wasm-utils": "/node/@litertjs/wasm-utils/dist/index.js"}}</script>""",
}
# What each gives is a function of one input that returns its outputs, read back
OPEN = {
    "tfjs-wasm": """
  const asked = job.threads > 1;
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', asked && crossOriginIsolated);
  tf.wasm.setWasmPaths('/node/@tensorflow/tfjs-backend-wasm/dist/');
  tf.wasm.setThreadsCount(job.threads);
  await tf.setBackend('wasm');
  const model = await tf.loadGraphModel('/model/model.json');
  return (x) => tf.tidy(() => {
    const found = model.execute({[job.input]: tf.tensor(x, job.shape, 'float32')});
    return (Array.isArray(found) ? found : [found]).map((t) => t.dataSync());
  });""",
    "ort-web-wasm": """
  ort.env.wasm.wasmPaths = '/node/onnxruntime-web/dist/';
  ort.env.wasm.numThreads = job.threads;
  const session = await ort.InferenceSession.create('/model/model.onnx', {
    executionProviders: ['wasm'], graphOptimizationLevel: 'all'});
  return async (x) => {
    const found = await session.run({[job.input]: new ort.Tensor('float32', x, job.shape)});
    return Object.values(found).map((t) => t.data);
  };""",
    "litertjs-wasm": """
  const {loadLiteRt, loadAndCompile, Tensor} = await import('@litertjs/core');
  await loadLiteRt('/node/@litertjs/core/wasm/', {threads: job.threads > 1});
  const model = await loadAndCompile('/model/model.tflite', {
    accelerator: 'wasm', cpuOptions: {numThreads: job.threads}});
  return async (x) => {
    const given = new Tensor(x, job.shape);
    const found = await model.run([given]);
    const values = found.map((t) => t.toTypedArray());
    found.forEach((t) => t.delete());
    given.delete();
    return values;
  };""",
}
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>bare</title>
%s
<script>
async function open_(job) {%s
}
async function loop(job) {
  const bytes = await (await fetch('/items')).arrayBuffer();
  const size = job.shape.reduce((n, d) => n * d, 1);
  const xs = Array.from({length: job.items}, (_, i) => new Float32Array(bytes, 4 * size * i, size));
  const call = await open_(job);
  let turn = 0;
  const calls = async (count) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const later = call(xs[turn++ %% xs.length]);
      if (later instanceof Promise) await later;
    }
    return (performance.now() - start) / count;
  };
  await calls(16);
  const count = Math.max(1, Math.ceil(5 / await calls(16)));  // 5 ms: a thousand steps
  for (const end = performance.now() + 200 * job.seconds; performance.now() < end;) {
    await calls(count);
  }
  const times = [];
  for (const end = performance.now() + 1000 * job.seconds; performance.now() < end;) {
    times.push(await calls(count));
    await new Promise((resolve) => { const c = new MessageChannel();
      c.port1.onmessage = resolve; c.port2.postMessage(0); });
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}
onload = async () => {
  const job = await (await fetch('/job')).json();
  const said = await loop(job).then(String, (e) => `failed: ${e}`);
  await fetch('/said', {method: 'POST', body: said});
};
</script>
"""


class BareServer:
    """Serves one model and its inputs at a time, on the loopback address. Use ``with``."""

    def __init__(self) -> None:
        self._files: dict[str, Path | bytes] = {}
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        handler = partial(_Handler, self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> BareServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def publish(
        self, model: Path, items: np.ndarray, runtime: str, job: Mapping[str, object]
    ) -> str:
        """The address of the page that runs ``model`` (a file, or model.json of a folder) as soon
        as it is opened."""
        page = PAGE % (HEAD[runtime], OPEN[runtime])
        whole = {**job, "items": len(items), "shape": [1, *items.shape[1:]]}
        self._files = {
            "/": page.encode(),
            "/items": items.astype("<f4").tobytes(),
            "/job": json.dumps(whole).encode(),
        }
        if model.name == "model.json":
            self._files.update({f"/model/{f.name}": f for f in model.parent.iterdir()})
        else:
            self._files[f"/model/model{model.suffix}"] = model
        return f"http://127.0.0.1:{self._server.server_port}/"

    def median_ns(self, *, limit_seconds: float) -> float:
        """Of a call, as the page that is open says it at the end."""
        try:
            said = self._said.get(timeout=limit_seconds)
            return float(said) * 1e6
        except queue.Empty:
            raise SystemExit(f"the bare page: no answer within {limit_seconds:g} s") from None
        except ValueError:
            raise SystemExit(f"the bare page {said}") from None

    def hear(self, words: str) -> None:
        self._said.put(words)

    def find(self, path: str) -> Path | bytes | None:
        if path.startswith("/node/") and ".." not in path:
            file = NODE / path.removeprefix("/node/")
            return file if file.is_file() else None
        return self._files.get(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, server: BareServer, *given: Any) -> None:
        self._bare = server
        super().__init__(*given)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        found = self._bare.find(path)
        body = found.read_bytes() if isinstance(found, Path) else found
        self.send_response(200 if body is not None else 404)
        for name, value in ISOLATED.items():
            self.send_header(name, value)
        suffix = Path(path).suffix or ".html"
        kind = "application/octet-stream" if path == "/items" else TYPES.get(suffix)
        self.send_header("Content-Type", kind or "application/octet-stream")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_POST(self) -> None:
        self._bare.hear(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
