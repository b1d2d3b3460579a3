/* The frame's own behaviour: refresh, clock, keys, rows, dialogs. Pages add none. */
"use strict";
(() => {
  const LIVE_EVERY = 5000, GREY_AFTER = 30, STALE_AFTER = 60, CHORD = 1200;
  const root = document.documentElement;
  const $ = (selector, scope = document) => scope.querySelector(selector);
  const $$ = (selector, scope = document) => [...scope.querySelectorAll(selector)];

  /* ---- refresh: `live` is fired on every [data-live]; a pause, a hidden tab or an open dialog stops it */
  const etags = new Map(), readAt = new Map();
  let paused = false;
  const fire = (parts) => {
    if (paused || document.hidden || $("dialog[open]")) return;
    $$(parts).forEach((part) => htmx.trigger(part, "live"));
  };
  const tick = () => fire("[data-live]");
  const pause = () => {
    paused = !paused;
    $$("[data-pause]").forEach((button) => button.setAttribute("aria-pressed", paused));
    showClock();
    if (!paused) tick();
  };
  const isPoll = (event) => event.detail.requestConfig?.triggeringEvent?.type === "live";
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.triggeringEvent?.type !== "live") return;
    event.detail.headers["X-Poll"] = "1";
    const etag = etags.get(event.detail.path);
    if (etag) event.detail.headers["If-None-Match"] = etag;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, elt, requestConfig, successful } = event.detail;
    if (!successful || !isPoll(event)) return;
    etags.set(requestConfig.path, xhr.getResponseHeader("ETag"));
    readAt.set(elt.id, Number(xhr.getResponseHeader("X-Data-At")));
    showClock();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const part = event.detail.target?.closest?.("[data-live]");
    if (part && !isPoll(event)) etags.delete(part.getAttribute("hx-get"));
    if (event.detail.target?.id === "dialog") openDialog($("#dialog dialog"));
    if (event.detail.target?.id === "peek") enterPeek();
    markRow();
    countPicked();
    $$("form").forEach(checkForm);
  });
  document.addEventListener("visibilitychange", tick);
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(() => fire('[data-live=""]'), LIVE_EVERY);
  setInterval(() => fire('[data-live="second"]'), 1000);  // clocks of an incident: a few bytes, by themselves

  /* ---- clock: the time of the oldest data on the page, not of the page */
  const clock = $("#clock");
  const loadedAt = Number(clock?.dataset.at), skew = Date.now() / 1000 - loadedAt;
  const asTime = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Jakarta", timeStyle: "medium" });
  const clockState = (parts, age) => {
    if (paused) return "paused";
    if (!parts.length) return "still";
    return age > STALE_AFTER ? "stale" : age > GREY_AFTER ? "late" : "live";
  };
  const showClock = () => {
    if (!clock) return;
    const parts = $$("main [data-live], #peek [data-live]");
    const at = parts.length ? Math.min(...parts.map((part) => readAt.get(part.id) ?? loadedAt)) : loadedAt;
    const state = clockState(parts, Date.now() / 1000 - skew - at);
    $("time", clock).textContent = asTime.format(at * 1000);
    $("time", clock).dateTime = new Date(at * 1000).toISOString();
    if (clock.dataset.state === state) return;
    clock.dataset.state = state;
    $("#clock-said").textContent = $(`[data-when=${state}]`, clock).textContent;
  };
  setInterval(showClock, 1000);

  /* ---- rows: j and k move a mark that survives a refresh, because it is remembered by row id; the focus goes along */
  let row = $("tr[data-row][aria-current=true]")?.id;
  const rows = () => $$("tr[data-row]");
  const markRow = () => rows().forEach((tr) => (tr.id === row ? tr.setAttribute("aria-current", "true") : tr.removeAttribute("aria-current")));
  const moveRow = (step) => {
    const all = rows(), at = all.findIndex((tr) => tr.id === row);
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
    row = next?.id;
    markRow();
    next?.scrollIntoView({ block: "nearest" });
    if (!isCovered()) $("[data-row-link]", next ?? document.createElement("i"))?.focus({ preventScroll: true });
  };
  const currentRow = () => rows().find((tr) => tr.id === row);
  document.addEventListener("click", (event) => {
    const tr = event.target.closest("tr[data-row]");
    if (tr) { row = tr.id; markRow(); }
  });

  /* ---- selection: the boxes are the truth, these are only words about them; currencies are never added */
  const asMoney = ([currency, amount]) => {
    const digits = currency === "IDR" ? 0 : new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
    const figure = (Math.abs(amount) / 10 ** digits).toLocaleString("id-ID", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return `${amount < 0 ? "\u2212" : ""}${currency === "IDR" ? "Rp" : currency}\u00a0${figure}`;
  };
  /* `of` names the boxes that count, the second name those that count negative: "theirs-ours" is a difference */
  const sums = (all, of = "") => {
    const [plus, minus] = of.split("-"), picked = of ? all.filter(({ name }) => name === plus || name === minus) : all;
    const totals = new Map(picked.length ? [] : [["IDR", 0]]);
    for (const { dataset, name } of picked) totals.set(dataset.currency ?? "IDR", (totals.get(dataset.currency ?? "IDR") ?? 0) + (minus && name === minus ? -1 : 1) * Number(dataset.amount));
    return [...totals].map(asMoney).join(" + ");
  };
  const countPicked = () => $$("form[data-pick]").forEach((form) => {
    const picked = $$("tbody input[type=checkbox]:checked", form), all = $$("tbody input[type=checkbox]", form);
    const head = $("[data-pick-all]", form);
    $$("[data-picked-count]", form).forEach((place) => (place.textContent = picked.length));
    if (head) { head.checked = all.length > 0 && picked.length === all.length; head.indeterminate = picked.length > 0 && !head.checked; }
    $$("[data-picked-sum]", form).forEach((place) => (place.textContent = sums(picked, place.dataset.pickedSum)));
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) $$("tbody input[type=checkbox]", event.target.form).forEach((box) => (box.checked = event.target.checked));
    countPicked();
  });

  /* ---- dialogs and the peek panel */
  const openDialog = (dialog) => {
    if (!dialog || dialog.open) return;
    dialog.showModal();
    $$("form", dialog).forEach(checkForm);
  };
  let isByKey = false;
  for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => (isByKey = name === "keydown"), true);
  const isNarrow = () => window.matchMedia("(max-width: 1180px)").matches, isCovered = () => isNarrow() && $("#peek > *");
  const enterPeek = () => {
    if (isByKey || isNarrow()) $("#peek [data-close-peek]")?.focus({ preventScroll: true });
  };
  /* A panel that is closed while it is being fetched stays closed. */
  const peekLoads = new Set();
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.target?.id === "peek" && detail.requestConfig.verb === "get") peekLoads.add(detail.xhr);
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => peekLoads.delete(detail.xhr));
  const leavePeek = () => {
    peekLoads.forEach((xhr) => xhr.abort());
    const close = $("#peek [data-close-peek]");
    if (!close) return false;
    $("#peek").replaceChildren();
    if (close.href) history.replaceState(null, "", close.href);
    $("[data-row-link]", currentRow() ?? document)?.focus();
    return true;
  };
  const checkForm = (form) => $$("[data-when-valid]", form).forEach((button) => (button.disabled = !form.checkValidity()));
  document.addEventListener("input", (event) => event.target.form && checkForm(event.target.form));
  document.addEventListener("click", (event) => {
    const act = (selector) => event.target.closest(selector);
    $$("details.chip[open]").forEach((chip) => chip.contains(event.target) || chip.removeAttribute("open"));
    if (act("[data-open]")) openDialog($(act("[data-open]").dataset.open));
    if (act("[data-close]")) act("dialog")?.close();
    if (act("[data-close-peek]")) { event.preventDefault(); leavePeek(); }
    if (act("[data-pause]")) pause();
    if (event.target.matches("dialog")) event.target.close();
  });

  /* ---- taste: theme and density at once, language by a visit to the server */
  document.addEventListener("taste", (event) => {
    for (const [name, value] of Object.entries(event.detail)) {
      if (name === "elt") continue;
      root.dataset[name] = value;
      $$(`button[name=${name}][aria-pressed]`).forEach((button) => button.setAttribute("aria-pressed", button.value === value));
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-flip]");
    if (!button) return;
    const dark = root.dataset.theme === "dark" || (root.dataset.theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    button.value = dark ? "light" : "dark";
  }, true);
  document.addEventListener("submit", (event) => {
    const back = $("input[name=next][data-here]", event.target);
    if (back) back.value = location.pathname + location.search;
  }, true);

  /* ---- keys: any element with data-key is pressed by it; the panel's own comes before the page's */
  let chord = "", chordUntil = 0;
  const isTyping = (target) => target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const press = (key) => {
    // A way that stands in the closed list of keys is a way all the same.
    const isThere = (each) => each.checkVisibility() || each.matches("#help a");
    const named = $$(`[data-key="${CSS.escape(key)}"]`).filter((each) => isThere(each) && !each.disabled);
    const target = named.find((each) => each.closest("#peek")) ?? named[0];
    target?.matches("input") ? target.focus() : target?.click();
    return Boolean(target);
  };
  const moves = {
    j: () => moveRow(1),
    k: () => moveRow(-1),
    "?": () => openDialog($("#help")),
    x: () => $("input[type=checkbox]", currentRow() ?? document.createElement("i"))?.click(),
    Enter: () => $("[data-row-link]", currentRow() ?? document.createElement("i"))?.click(),
  };
  // Days of a calendar are links in their order; those to come are none.
  const arrows = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
  const moveDay = (event) => {
    const all = $$("[data-days] td > a");
    const at = all.indexOf(event.target);
    if (at < 0 || !(event.key in arrows)) return false;
    all[at + arrows[event.key]]?.focus();
    event.preventDefault();
    return true;
  };
  const escape = () => {
    const chip = $("details.chip[open]");
    if (chip) { chip.removeAttribute("open"); $("summary", chip).focus(); return; }
    if (document.activeElement.matches("[data-key='/']")) { document.activeElement.blur(); return; }
    leavePeek();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]") || $(":popover-open")) return;
    if (event.key === "Escape") return escape();
    if (root.dataset.keys === "off" || isTyping(event.target)) return;
    if (moveDay(event)) return;
    if (event.key === "Enter" && event.target.matches("a, button, summary, input")) return;
    const key = chord && Date.now() < chordUntil ? `${chord} ${event.key}` : event.key;
    chord = event.key === "g" ? "g" : "";
    chordUntil = Date.now() + CHORD;
    if (moves[key]) { moves[key](); event.preventDefault(); } else if (press(key)) event.preventDefault();
  });

  $$("form").forEach(checkForm);
  // On a phone the place where one is may stand beyond the edge of its row.
  $$(".tabs [aria-current], .segment [aria-current], .sections [aria-current]").forEach((each) => {
    const row = each.parentElement;
    row.scrollLeft = each.offsetLeft - row.offsetLeft - (row.clientWidth - each.offsetWidth) / 2;
  });
  openDialog($("dialog[data-open-now]"));
  countPicked();
  showClock();
})();
