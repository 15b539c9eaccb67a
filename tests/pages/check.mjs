// node check.mjs FOLDER PAGE...: each report page in Chromium. Where its JSON report
// lies beside it (x.html, x.json), that says what the page must show. Screenshots and what was wrong go to FOLDER. Exit 1 = something was wrong.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const [folder, ...pages] = process.argv.slice(2);
const faults = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
});

const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
const looks = [
  ['light', { ...desktop, colorScheme: 'light' }],
  ['dark', { ...desktop, colorScheme: 'dark' }],
  ['phone', { ...phone, colorScheme: 'light' }],
];

await Promise.all(pages.map(checked));
await browser.close();
if (faults.length) {
  console.error(faults.join('\n'));
  process.exit(1);
}

async function checked(file) {
  const json = file.replace(/html$/, 'json');
  const report = existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : { summary: {}, credentials: [{ app: '', findings: [] }] };
  const at = (what) => (condition, message) => condition || faults.push(`${basename(file)}, ${what}: ${message}`);
  const run = async (what, options, test) => {
    const context = await browser.newContext(options);
    try {
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      const heard = listen(page);
      await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
      await test(page, at(what), heard);
    } catch (error) {
      at(what)(false, error.message);
    } finally {
      await context.close();
    }
  };

  for (const [look, options] of looks) await run(`accessibility, ${look}`, { ...options, bypassCSP: true }, accessible);
  await run('structure', desktop, (page, expect) => wellFormed(page, expect, report));
  await run('filter and sort', desktop, filterAndSort);
  await run('content security policy', desktop, guarded);
  await run('without JavaScript', { ...desktop, javaScriptEnabled: false }, (page, expect) => plainTable(page, expect, report));
  for (const [look, options] of looks) await run(look, options, (page, expect) => looksRight(page, expect, look, file));
  await run('print', desktop, (page, expect) => printable(page, expect, file));
}

// Everything the page says or asks for by itself.
function listen(page) {
  const heard = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && heard.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => { heard.push('a dialog opened'); dialog.dismiss(); });
  page.on('request', (request) => {
    if (request.url() !== page.url() && !request.isNavigationRequest() && !request.url().startsWith('data:')) heard.push(`request: ${request.url()}`);
  });
  return heard;
}

async function accessible(page, expect) {
  // Parts off the screen may be left undrawn, and axe passes over what is not drawn.
  await page.addStyleTag({ content: '* { content-visibility: visible !important }' });
  await page.addScriptTag({ content: axe.source });
  const { violations, passes } = await page.evaluate(() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  expect(passes.length > 10, `axe looked at nothing (${passes.length} rules passed)`);
  for (const { id, help, nodes } of violations) {
    expect(false, `axe ${id}: ${help}\n${nodes.slice(0, 3).map((node) => `    ${node.target.join(' ')}  ${node.failureSummary?.split('\n').slice(1).join(';').trim()}`).join('\n')}`);
  }
}

async function wellFormed(page, expect, report) {
  const found = await page.evaluate(() => ({
    lang: document.documentElement.lang,
    title: document.title,
    summary: document.querySelector('section#summary')?.innerText ?? '',
    findings: document.querySelector('#findings')?.innerText ?? '',
    timeline: document.querySelector('svg#timeline[role=img] > title')?.textContent ?? '',
    table: document.querySelector('table#credentials')?.innerText ?? '',
    text: document.documentElement.textContent,
    // Values of attributes are read out and shown as tooltips.
    attributes: [...document.querySelectorAll('*')].flatMap((e) => [...e.attributes].map((a) => a.value)).join('\n'),
    links: [...document.querySelectorAll('a[href], area[href], svg a')].map((a) => String(a.getAttribute('href') ?? a.getAttribute('xlink:href'))),
    strangers: [...document.querySelectorAll('#credentials :is(script, img, svg, iframe, object, style, h1), iframe, object, embed, base, form, link')].map((e) => e.outerHTML.slice(0, 80)),
    handlers: [...document.querySelectorAll('*')].flatMap((e) => [...e.attributes].filter((a) => a.name.startsWith('on')).map((a) => `${e.tagName} ${a.name}`)),
    scripts: document.querySelectorAll('script[src]').length,
  }));
  expect(found.lang, 'html has no lang');
  expect(found.title, 'no title');
  expect(found.timeline.trim(), 'svg#timeline[role=img] has no title');
  expect(found.summary.trim(), 'section#summary is missing or empty');
  for (const [level, count] of Object.entries(report.summary)) {
    if (count) expect(new RegExp(`\\b${count}\\b`).test(found.summary), `the summary does not show ${count} (${level})`);
  }
  for (const { app, findings } of report.credentials) {
    // Long names may be cut, control and bidi characters are replaced.
    const start = app.slice(0, 40).split(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(start.every((part) => found.table.includes(part)), `the table does not show ${JSON.stringify(app.slice(0, 60))} as text`);
    for (const finding of findings) expect(found.text.includes(finding.code) || found.text.includes(finding.message), `finding ${finding.code} is not shown`);
  }
  expect(!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(found.text + found.attributes), 'a control character is in the page');
  expect(!/[\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/.test(found.text + found.attributes), 'a bidi or zero-width character is in the page');
  expect(found.links.every((href) => /^(https:|mailto:|#)/.test(href)), `a link to ${found.links.find((href) => !/^(https:|mailto:|#)/.test(href))}`);
  for (const stranger of found.strangers) expect(false, `does not belong here: ${stranger}`);
  for (const handler of found.handlers) expect(false, `inline handler: ${handler}`);
  expect(found.scripts === 0, 'a script is loaded from elsewhere');
}

// The text of the rows one can see.
function rows(page) {
  return page.$$eval('#credentials tbody tr', (list) => list.filter((row) => row.checkVisibility()).map((row) => row.innerText));
}

async function filterAndSort(page, expect, heard) {
  const all = await rows(page);
  const filter = page.locator('input#filter[type=search]');
  await filter.fill('ZZ no such credential ZZ');
  expect((await rows(page)).length === 0, 'the filter leaves rows that do not match');
  await filter.fill('');
  expect((await rows(page)).length === all.length, 'an empty filter does not show every row');
  // The last word of the last row that has one nobody else has, in other case.
  const word = all.flatMap((text) => text.split(/\s+/)).reverse().find((word) => /^[\w.-]{4,}$/.test(word)
    && all.filter((text) => text.toLowerCase().includes(word.toLowerCase())).length < all.length);
  await filter.pressSequentially(word.toUpperCase());
  const kept = await rows(page);
  expect(kept.length > 0 && kept.every((text) => text.toLowerCase().includes(word.toLowerCase())), `filter ${word} keeps ${kept.length} rows, not only those with the word`);
  expect(kept.length === all.filter((text) => text.toLowerCase().includes(word.toLowerCase())).length, `filter ${word} hides a row that has the word`);
  await filter.fill('');

  const columns = await page.locator('#credentials thead th').count();
  let sortable = 0;
  for (let column = 0; column < columns; column += 1) {
    const button = page.locator('#credentials thead th').nth(column).locator('button');
    if (await button.count() === 0) continue;
    sortable += 1;
    const name = (await button.innerText()).trim();
    const cells = () => page.$$eval('#credentials tbody tr', (list, column) => list.map((row) => row.cells[column]?.innerText.trim()), column);
    const states = () => page.$$eval('#credentials thead th', (list) => list.map((th) => th.getAttribute('aria-sort')));
    const orders = {};
    // By keyboard, as not everybody has a mouse.
    for (const press of [1, 2]) {
      await button.focus();
      await page.keyboard.press('Enter');
      const state = await states();
      expect(['ascending', 'descending'].includes(state[column]), `aria-sort of ${name} is ${state[column]} after ${press} presses`);
      expect(state.filter((value) => value && value !== 'none').length === 1, `two columns claim to be sorted: ${state}`);
      orders[state[column]] = await cells();
    }
    expect(orders.ascending && orders.descending, `two presses on ${name} do not give both orders`);
    if (!orders.ascending || !orders.descending) continue;
    expect(orders.ascending.length === all.length, `sorting by ${name} loses rows`);
    expect(new Set(orders.ascending).size === 1 || orders.ascending.join('\n') !== orders.descending.join('\n'), `sorting by ${name} changes nothing`);
    for (const [kind, values] of Object.entries(kinds(orders.ascending))) {
      const wrong = values.findIndex((value, index) => index > 0 && value < values[index - 1]);
      expect(wrong < 0, `${name} is not in the order of its ${kind}: ${values}`);
    }
  }
  expect(sortable >= 3, `only ${sortable} columns can be sorted`);
  expect((await rows(page)).length === all.length, 'rows are missing after sorting');
  expect(heard.length === 0, heard.join('; '));
  expect(!await page.evaluate(() => 'pwned' in window), 'a name ran as script');
}

// What a column's cells can be compared by.
function kinds(cells) {
  return {
    days: cells.map((cell) => cell.match(/^(-?\d+)(?: days?)?( ago)?$/)).filter(Boolean).map(([, days, ago]) => (ago ? -days : +days)),
    dates: cells.filter((cell) => /^\d{4}-\d\d-\d\d/.test(cell)),
    names: cells.filter((cell) => /^[a-z]+(-[a-z]+)+$/.test(cell)),
  };
}

async function guarded(page, expect, heard) {
  const policy = await page.getAttribute('meta[http-equiv="Content-Security-Policy"]', 'content');
  expect(/default-src 'none'/.test(policy ?? ''), `the policy does not start from nothing: ${policy}`);
  expect(!/unsafe-inline[^;]*|unsafe-eval|\*|https?:/.test((policy ?? '').replace(/style-src[^;]*/, '')), `the policy is too wide: ${policy}`);
  await page.waitForTimeout(250);
  expect(heard.length === 0, heard.join('; '));
  // Were a name ever to become markup, it would still be dead.
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.pwned = 2';
    document.body.append(script);
    document.body.insertAdjacentHTML('beforeend', '<img src="http://127.0.0.1:9/x" onerror="window.pwned = 3"><a id=trap href="javascript:window.pwned=4">x</a>');
    document.getElementById('trap').click();
  });
  await page.waitForTimeout(250);
  expect(!await page.evaluate(() => 'pwned' in window), 'script put into the page runs');
}

async function plainTable(page, expect, report) {
  const shown = await page.locator('#credentials tbody tr').evaluateAll((list) => list.filter((row) => row.getClientRects().length).length).catch(() => -1);
  const count = shown >= 0 ? shown : await page.locator('#credentials tbody tr:visible').count();
  expect(count >= report.credentials.length, `${count} rows are visible of ${report.credentials.length} credentials`);
  expect(await page.locator('#summary').isVisible(), 'the summary is not visible');
  expect(!await page.locator('#filter').isVisible(), 'the filter is offered though it cannot work');
}

async function looksRight(page, expect, look, file) {
  const sight = await judge(await shot(page, look, file));
  expect(sight.colours >= 8 && sight.drawn > 0.005, `blank: ${JSON.stringify(sight)}`);
  expect(look === 'dark' ? sight.background < 0.35 : sight.background > 0.65, `background of luminance ${sight.background}`);
  const [wide, room] = await page.evaluate(() => [document.scrollingElement.scrollWidth, document.documentElement.clientWidth]);
  expect(wide <= room + 1, `the page is ${wide} wide on a screen of ${room}`);
}

async function printable(page, expect, file) {
  await page.emulateMedia({ media: 'print' });
  const sight = await judge(await shot(page, 'print', file));
  expect(sight.colours >= 8 && sight.drawn > 0.005, `blank: ${JSON.stringify(sight)}`);
  expect(sight.background > 0.95, `paper of luminance ${sight.background}`);
  expect(!await page.locator('#filter').isVisible(), 'the filter is printed');
  const pdf = await page.pdf({ format: 'A4' });
  writeFileSync(join(folder, `${basename(file, '.html')}-print.pdf`), pdf);
  expect(pdf.length > 5000, `a PDF of ${pdf.length} bytes`);
}

async function shot(page, look, file) {
  // A screen as high as the page: what is off the screen may be left undrawn.
  if (look !== 'phone') await page.setViewportSize({ width: 1280, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  return page.screenshot({ path: join(folder, `${basename(file, '.html')}-${look}.png`), fullPage: look !== 'phone' });
}

// How many colours a picture has, how bright its commonest one is, and which
// share of it is drawn in others.
async function judge(png) {
  const page = await browser.newPage();
  try {
    return await page.evaluate(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
      canvas.drawImage(image, 0, 0);
      const { data } = canvas.getImageData(0, 0, image.width, image.height);
      const counts = new Map();
      for (let i = 0; i < data.length; i += 4) {
        const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
        counts.set(colour, (counts.get(colour) ?? 0) + 1);
      }
      const [[common, times]] = [...counts].sort((a, b) => b[1] - a[1]);
      const background = (0.2126 * (common >> 16) + 0.7152 * ((common >> 8) & 255) + 0.0722 * (common & 255)) / 255;
      return { colours: counts.size, background, drawn: 1 - times / (data.length / 4) };
    }, `data:image/png;base64,${png.toString('base64')}`);
  } finally {
    await page.close();
  }
}
