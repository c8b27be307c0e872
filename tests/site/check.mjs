// Opens pages of the site from their folder, without a network, and fails on whatever hinders a reader.

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const { CHROMIUM, SITE, SHOTS } = process.env;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const phone = { width: 360, height: 740 };
const desktop = { width: 1280, height: 900 };

const first = async (folder) => `${folder}/${(await readdir(join(SITE, folder))).filter((name) => name.endsWith(".html")).sort()[0]}`;
const pages = [
  "index.html", "calendar-surfaces.html", "calendar-layers.html", "experiments.html", "layers.html", "overlap.html", "metrics.html",
  "flags.html", "segments.html", "learning.html", "search.html",
  ...(await Promise.all(["experiment", "flag", "layer", "metric", "segment", "surface", "team"].map(first))),
];
const address = (page) => pathToFileURL(join(SITE, page)).href;

let problems = 0;
const problem = (text) => {
  problems += 1;
  console.error(text);
};

const browser = await puppeteer.launch({
  executablePath: CHROMIUM,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"],
});
try {
  await theCheckFindsWhatIsWrong();
  for (const scheme of ["light", "dark"]) for (const name of pages) await look(name, scheme);
  await theCalendarIsUsableByKeyboard();
  await searchFindsWhatIsThere();
  await pagesAreReadWithoutScripts();
} finally {
  await browser.close();
}
console.log(`${pages.length} pages, light and dark, ${problems} problems`);
process.exit(problems === 0 ? 0 : 1);

async function open(name, { scheme = "light", size = desktop, scripts = true } = {}) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(scripts);
  await page.setViewport(size);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  page.on("console", (message) => message.type() === "error" && problem(`${name}: ${message.text()}`));
  page.on("pageerror", (error) => problem(`${name}: ${error.message}`));
  page.on("requestfailed", (request) => problem(`${name}: ${request.url()} is not there`));
  await page.goto(address(name), { waitUntil: "load" });
  return page;
}

async function violations(page) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"], preload: false }));
  return result.violations;
}

// A check that finds nothing in a page that is plainly wrong would find nothing anywhere.
async function theCheckFindsWhatIsWrong() {
  const page = await browser.newPage();
  await page.setContent("<html><body><img src='data:,'><input></body></html>");
  const found = (await violations(page)).map((violation) => violation.id);
  if (!found.includes("image-alt") || !found.includes("label")) problem(`axe finds nothing in a page that is wrong: ${found}`);
  await page.close();
}

async function look(name, scheme) {
  const page = await open(name, { scheme });
  for (const violation of await violations(page)) {
    problem(`${name} (${scheme}): ${violation.id}: ${violation.help}\n  ${violation.nodes.slice(0, 3).map((node) => node.html).join("\n  ")}`);
  }
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name.replace(/\W/g, "-")}-${scheme}.png`) });
  await page.setViewport(phone);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) problem(`${name}: ${wide} pixels wider than a phone`);
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name.replace(/\W/g, "-")}-${scheme}-phone.png`) });
  await page.close();
}

async function theCalendarIsUsableByKeyboard() {
  const page = await open("index.html");
  const width = () => page.$eval(".calendar .stretch", (stretch) => stretch.clientWidth);
  const before = await width();
  await page.keyboard.press("+");
  if ((await width()) <= before) problem("the calendar does not grow with +");
  await page.keyboard.press("0");
  if ((await width()) !== before) problem("the calendar does not come back with 0");
  const bars = () => page.$$eval(".calendar a.bar:not([hidden])", (bars) => bars.length);
  const all = await bars();
  await page.keyboard.press("/");
  await page.keyboard.type("overdue-or-nothing-of-that-name");
  if (all === 0 || (await bars()) !== 0) problem("the filter of the calendar hides nothing");
  await page.close();
  const skipped = await open("index.html");
  await skipped.keyboard.press("Tab");
  if ((await skipped.evaluate(() => document.activeElement.getAttribute("href"))) !== "#main") problem("the first stop is not the skip link");
  await skipped.close();
}

async function searchFindsWhatIsThere() {
  const page = await open("search.html");
  await page.type("[data-search]", "checkout button");
  await page.waitForFunction(() => document.querySelectorAll("#results a").length > 0, { timeout: 5000 })
    .catch(() => problem("search finds nothing"));
  const link = await page.$eval("#results a", (link) => link.href).catch(() => "");
  const reached = link && (await page.goto(link).then(() => page.$("h1")).catch(() => null));
  if (!reached) problem(`search leads to no page: ${link}`);
  await page.close();
}

async function pagesAreReadWithoutScripts() {
  for (const name of pages) {
    const page = await open(name, { scripts: false });
    const session = await page.createCDPSession();
    const { root } = await session.send("DOM.getDocument", { depth: 0 });
    const { nodeId } = await session.send("DOM.querySelector", { nodeId: root.nodeId, selector: "main" });
    const { outerHTML } = await session.send("DOM.getOuterHTML", { nodeId });
    const text = outerHTML.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
    if (text.length < 60) problem(`${name} says nothing without scripts: ${text}`);
    await page.close();
  }
}
