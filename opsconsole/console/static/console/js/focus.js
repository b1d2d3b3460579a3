/* What somebody pressed may be gone with its answer, or lay in a dialog that is: then the focus goes to what opened the
   dialog, or where that is gone as well to the title of the part they acted in. Until they press something else. */
"use strict";
(() => {
  let openedIn = "", openedBy = "", actedIn = "", actedBy = "";
  const isDialogs = (elt) => elt.getAttribute("hx-target") === "#dialog";
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (requestConfig?.triggeringEvent?.type === "live") return;
    const part = elt.closest("[data-live]")?.id ?? "", isFocused = elt.contains(document.activeElement);
    if (isDialogs(elt) && !elt.closest("dialog")) [openedIn, openedBy] = [part, elt.id];  // a key may have pressed it
    else if (isFocused && elt.closest("dialog")) [actedIn, actedBy] = [openedIn, openedBy];
    else if (isFocused) [actedIn, actedBy] = [part, ""];
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!actedIn || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
    const opener = actedBy && document.getElementById(actedBy);
    const find = (scope) => document.querySelector(`${scope} [data-lands]`);
    (opener || find(`#${CSS.escape(actedIn)}`) || find("main"))?.focus({ preventScroll: true });
  });
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => (actedIn = ""), true);
})();
