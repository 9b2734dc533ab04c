// Which GPU a page is given, and whether it is one: browsers without a GPU offer a software one,
// whose answers are right and whose times say nothing about any GPU.

export interface Gpu {
  /** As the browser names it: a renderer's string, or vendor and architecture of an adapter. */
  readonly name: string;
  readonly software: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render|warp\b/i;

/** The adapter that WebGPU gives, or the reason why it gives none. */
export async function readWebgpu(): Promise<Gpu | string> {
  if (!("gpu" in navigator) || !navigator.gpu) {
    return globalThis.isSecureContext
      ? "the browser has no WebGPU"
      : "WebGPU needs a secure page (https, or this machine's own address)";
  }
  let adapter: GPUAdapter | null;
  try {
    adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  } catch (e) {
    return `WebGPU: ${String(e)}`;
  }
  if (adapter === null) return "WebGPU finds no adapter";
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const name = [vendor, architecture, device, description].filter(Boolean).join(" ");
  return { name: name || "unnamed", software: isFallbackAdapter || SOFTWARE.test(name) };
}

/** The renderer of WebGL 2, or the reason why there is none. */
export function readWebgl(): Gpu | string {
  let context: WebGL2RenderingContext | null;
  try {
    context = new OffscreenCanvas(1, 1).getContext("webgl2");
  } catch (e) {
    return `WebGL: ${String(e)}`;
  }
  if (context === null) return "the browser has no WebGL 2";
  const found = rendererOf(context);
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return found;
}

export function rendererOf(context: WebGLRenderingContext | WebGL2RenderingContext): Gpu {
  // Firefox names it without the extension, and warns where that is asked for
  const firefox = navigator.userAgent.includes("Firefox");
  const more = firefox ? null : context.getExtension("WEBGL_debug_renderer_info");
  const which = more === null ? context.RENDERER : more.UNMASKED_RENDERER_WEBGL;
  const name = String(context.getParameter(which));
  return { name, software: SOFTWARE.test(name) };
}

export function inForceOf({ name, software }: Gpu): Record<string, string> {
  return { gpu: name, software_gpu: software ? "yes" : "no" };
}

export async function whyNoWebgpu(): Promise<string> {
  const found = await readWebgpu();
  return typeof found === "string" ? found : "";
}

export function whyNoWebgl(): Promise<string> {
  const found = readWebgl();
  return Promise.resolve(typeof found === "string" ? found : "");
}
