interface HtmxResponseDetail {
  ctx: { response: { raw: Response }; request: { action: string }; sourceElement: Element };
}

/**
 * htmx 4 swaps the body of an error answer into the page. A whole error page does not belong inside a part of
 * another one: a link goes there as a full page, everything else leaves the page as it was.
 */
export function guardAgainstErrorSwaps(): void {
  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = (event as CustomEvent<HtmxResponseDetail>).detail;
    if (ctx.response.raw.status < 400) {
      return;
    }
    event.preventDefault();
    if (ctx.sourceElement instanceof HTMLAnchorElement) {
      location.assign(ctx.sourceElement.href);
    }
  });
}
