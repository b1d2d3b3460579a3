/* What somebody pressed may be gone with its answer: then the focus goes to the title of the part they acted in. */
"use strict";
(() => {
  let openedIn = "", actedIn = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (requestConfig?.triggeringEvent?.type === "live" || !elt.contains(document.activeElement)) return;
    const part = elt.closest("[data-live]")?.id ?? "";
    if (elt.closest("dialog")) actedIn = openedIn;
    else if (elt.getAttribute("hx-target") === "#dialog") openedIn = part;
    else actedIn = part;
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!actedIn || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
    document.querySelector(`#${CSS.escape(actedIn)} [data-lands]`)?.focus({ preventScroll: true });
    actedIn = "";
  });
})();
