// What a script adds to pages that can be read without one: filters, zoom and search.
"use strict";
document.documentElement.classList.add("scripted");

document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("[data-filter]")) filter(field);
  const stretch = document.querySelector(".calendar .stretch");
  if (stretch) zoom(stretch);
  const search = document.querySelector("[data-search]");
  if (search) find(search);
});

// Hides what does not hold every word of the field.
function filter(field) {
  const what = field.dataset.filter;
  const shown = what === "calendar"
    ? () => document.querySelectorAll(".calendar [data-text]")
    : () => document.querySelectorAll(`table[data-filtered="${what}"] tbody tr`);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of shown()) {
      const text = item.dataset.text ?? item.textContent.toLowerCase();
      item.toggleAttribute("hidden", !words.every((word) => text.includes(word)));
    }
  });
}

// Stretches the calendar: its places are shares of its width.
function zoom(stretch) {
  const scroll = stretch.parentElement;
  let factor = 1;
  const to = (next) => {
    const middle = (scroll.scrollLeft + scroll.clientWidth / 2) / stretch.clientWidth;
    factor = Math.min(16, Math.max(1, next));
    stretch.style.width = `${factor * 100}%`;
    scroll.scrollLeft = middle * stretch.clientWidth - scroll.clientWidth / 2;
  };
  const actions = { in: () => to(factor * 1.5), out: () => to(factor / 1.5), reset: () => to(1) };
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", actions[button.dataset.zoom]);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const action = { "+": actions.in, "=": actions.in, "-": actions.out, "0": actions.reset }[event.key];
    if (action) action();
    else if (event.key === "/") document.getElementById("filter").focus();
    else return;
    event.preventDefault();
  });
  scroll.addEventListener("wheel", (event) => {
    if (!event.shiftKey && event.altKey) {
      event.preventDefault();
      to(factor * (event.deltaY < 0 ? 1.2 : 1 / 1.2));
    }
  }, { passive: false });
}

// Unpacks the columns of search-data.js, and lists what holds every word.
async function find(field) {
  const found = document.getElementById("found");
  const results = document.getElementById("results");
  const bytes = Uint8Array.from(atob(window.trialbook), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const data = await new Response(stream).json();
  const texts = data.key.map((key, at) => [data.kind[at], key, data.text[at], data.owner[at], data.state[at]].join(" ").toLowerCase());
  const most = 100;
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    results.textContent = "";
    found.textContent = "";
    if (words.length === 0) return;
    let count = 0;
    texts.forEach((text, at) => {
      if (!words.every((word) => text.includes(word))) return;
      count += 1;
      if (count > most) return;
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = data.page[at] || `${data.kind[at]}/${data.key[at]}.html`;
      link.textContent = data.key[at];
      item.append(`${data.kind[at]} `, link, ` ${data.text[at]}`);
      results.append(item);
    });
    found.textContent = count > most ? `${count} found, the first ${most} are shown` : `${count} found`;
  };
  field.addEventListener("input", show);
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) field.value = asked;
  show();
  field.focus();
}
