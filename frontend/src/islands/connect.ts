import "htmx.org";

/** Runs `connect` now and again after every htmx swap; `connect` must be harmless when repeated. */
export function onSwap(connect: () => void): void {
  connect();
  document.addEventListener("htmx:after:swap", connect);
}

/** True once per element and purpose, so that a swap which keeps an element does not connect it twice. */
export function firstTime(element: HTMLElement, purpose: string): boolean {
  const known = connected.get(element) ?? new Set<string>();
  if (known.has(purpose)) {
    return false;
  }
  connected.set(element, known.add(purpose));
  return true;
}

const connected = new WeakMap<HTMLElement, Set<string>>();
