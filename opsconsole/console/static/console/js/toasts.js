/* What is said of an own action, for a few seconds: copied, done, refused, no answer. */
"use strict";
(() => {
  const TOAST_FOR = 8000;
  const $ = (selector, scope = document) => scope.querySelector(selector);
  const $$ = (selector, scope = document) => [...scope.querySelectorAll(selector)];
  const words = document.body.dataset;

  /* ---- copying: the clipboard of a page without https needs the old way */
  const copy = async (button) => {
    const text = button.dataset.copy || $(button.dataset.copyFrom).innerText;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      (button.closest("dialog") ?? document.body).append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus({ preventScroll: true });
    }
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
    toast({ text: words.sayCopied, tone: "done" });
  };

  /* ---- toasts: own actions only */
  const toast = ({ text, tone = "done", href }) => {
    const made = $("#toast").content.firstElementChild.cloneNode(true);
    made.dataset.tone = tone;
    $("use", made).setAttribute("href", $("use", made).getAttribute("href").replace(/#g-\w+/, `#g-${tone}`));
    $("[data-toast-text]", made).textContent = text;
    if (href) $("[data-toast-text]", made).append(" ", Object.assign(document.createElement("a"), { href, className: "link", textContent: words.saySee }));
    // What was refused before is answered by what was done now; a toast that stays would be read as new.
    $$("#toasts .toast:not([data-tone=done])").forEach((each) => each.remove());
    $("#toasts").append(made);
    if (tone === "done") setTimeout(() => made.remove(), TOAST_FOR);
  };
  document.addEventListener("toast", (event) => toast(event.detail));
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach((name) => document.addEventListener(name, (event) => {
    const says = event.detail.xhr?.getResponseHeader?.("HX-Trigger");
    const isPoll = event.detail.requestConfig?.headers?.["X-Poll"];
    if (!isPoll && !says) toast({ text: words.sayLost, tone: "failed" });
  }));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    event.target.closest("[data-toast-close]")?.closest(".toast").remove();
  });
})();
