// Packhorse's dashboard: everything works without this file. It renews the page, and listens to keys.
(() => {
  'use strict';
  const main = document.getElementById('main');
  const EVERY = 1000 * (Number(main.dataset.live) || 2); // milliseconds
  const liveButton = document.getElementById('live');
  const help = document.getElementById('help');
  const $$ = (what, where = document) => [...where.querySelectorAll(what)];

  // --- live: the page asks for its own content, and gets 304 while nothing has changed
  let tag = null;
  let wanted = main.hasAttribute('data-live') && new URLSearchParams(location.search).get('live') !== '0';
  let cursor = -1;

  let pressed = false; // a button that is replaced between press and release is not clicked
  addEventListener('pointerdown', () => { pressed = true; });
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => { setTimeout(() => { pressed = false; }, 50); });
  const busy = () => {
    const at = document.activeElement;
    return document.hidden || pressed || main.querySelector('svg.line:hover') !== null || $$('dialog[open], details[open]:not([data-calm])').length > 0 ||
      (at && at.matches('input:not([type=checkbox]), select, textarea')) ||
      $$('main input[type=checkbox]:checked').length > 0 || String(getSelection()) !== '';
  };
  const state = (lost, held = false) => {
    if (!liveButton) return;
    liveButton.setAttribute('aria-pressed', String(wanted));
    liveButton.classList.toggle('lost', lost);
    liveButton.textContent = lost ? 'no answer' : held ? 'held' : wanted ? 'live' : 'paused';
    liveButton.title = held ? 'Held while something is selected, typed, open or pointed at' : 'Renew the page by itself (r)';
  };
  // What the keyboard is on, by its words and address: it is found again in the new page.
  const REACHED = 'a[href], button, summary, input[type=checkbox]';
  const called = (one) => [one.tagName, one.id, one.textContent.trim(), one.getAttribute('href'), one.value, one.form && $$('input[type=hidden]', one.form).map((field) => field.value).join()].join('|');
  async function renew() {
    const where = new URL(location.href);
    where.searchParams.set('fragment', '1');
    where.hash = '';
    try {
      const answer = await fetch(where, { headers: tag ? { 'If-None-Match': tag } : {}, credentials: 'same-origin' });
      if (answer.redirected) { location.reload(); return; } // to the login, most likely
      state(!answer.ok && answer.status !== 304);
      if (answer.status !== 200 || busy()) return;
      const text = await answer.text();
      if (busy()) return;
      tag = answer.headers.get('ETag');
      const focus = main.contains(document.activeElement) && called(document.activeElement);
      const scrolled = $$('.scroll, pre', main).map((box) => [box.scrollLeft, box.scrollTop]);
      main.innerHTML = text; // our own server's answer, escaped there; the policy lets no script in it run
      $$('.scroll, pre', main).forEach((box, place) => { if (scrolled[place]) [box.scrollLeft, box.scrollTop] = scrolled[place]; });
      const again = focus && $$(REACHED, main).find((one) => called(one) === focus);
      if (again) again.focus({ preventScroll: true });
      mark(cursor, false);
    } catch { state(true); }
  }
  async function beat() {
    if (wanted && busy()) state(false, true);
    else if (wanted) await renew();
    setTimeout(beat, EVERY);
  }
  function toggle() {
    wanted = !wanted;
    const where = new URL(location.href);
    if (wanted) where.searchParams.delete('live'); else where.searchParams.set('live', '0');
    history.replaceState(null, '', where);
    state(false);
  }

  // --- "5 s ago" is counted on here
  const unit = (s) => s >= 86400 ? `${Math.floor(s / 86400)} d` : s >= 3600 ? `${Math.floor(s / 3600)} h` : s >= 60 ? `${Math.floor(s / 60)} m` : `${Math.floor(s)} s`;
  function clocks() {
    for (const one of $$('main time[datetime]')) {
      const passed = (Date.now() - Date.parse(one.dateTime)) / 1000;
      const words = passed <= -1 ? `in ${unit(-passed)}` : passed < 1 ? 'now' : `${unit(passed)} ago`;
      if (one.textContent !== words && String(getSelection()) === '') one.textContent = words;
    }
  }

  // --- rows: j, k, x, Enter; select all
  const rows = () => $$('table.list tbody tr', main);
  function mark(place, scroll = true) {
    const all = rows();
    all.forEach((row) => row.classList.remove('at'));
    if (place < 0 || !all.length) return;
    cursor = Math.min(place, all.length - 1);
    all[cursor].classList.add('at');
    if (scroll) all[cursor].scrollIntoView({ block: 'nearest' });
  }
  const box = (row) => row && row.querySelector('input[type=checkbox]');
  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-all]')) {
      $$('tbody input[type=checkbox]', event.target.closest('table')).forEach((one) => { one.checked = event.target.checked; });
    }
    count();
  });
  function count() {
    const chosen = $$('main tbody input[type=checkbox]:checked').length;
    $$('[data-chosen]').forEach((one) => { one.textContent = String(chosen); });
  }

  // --- keys
  let before = '';
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target.matches('input:not([type=checkbox]), select, textarea');
    if (event.key === 'Escape' && inside) { event.target.blur(); return; }
    if (inside || document.querySelector('dialog[open]')) return;
    if (before === 'g') {
      before = '';
      const link = document.querySelector(`#menu a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    const row = rows()[cursor];
    const done = {
      g: () => { before = 'g'; setTimeout(() => { before = ''; }, 1500); },
      '/': () => { const bar = document.querySelector('input[type=search]'); if (bar) bar.focus(); else { const jobs = document.querySelector('#menu a[data-key=j]'); if (jobs) location.href = `${jobs.href}#search`; } },
      j: () => mark(cursor + 1),
      k: () => mark(Math.max(cursor - 1, 0)),
      x: () => { if (box(row)) { box(row).click(); } },
      Enter: () => { const link = row && row.querySelector('a[href]'); if (link && event.target === document.body) link.click(); },
      r: toggle,
      '?': () => help.showModal(),
    }[event.key];
    if (!done) return;
    if (event.key !== 'Enter') event.preventDefault();
    done();
  });

  // --- forms that ask first
  document.addEventListener('submit', (event) => {
    const words = event.target.dataset && event.target.dataset.confirm;
    if (words && !confirm(words)) event.preventDefault();
  });

  const keys = document.getElementById('keys');
  keys.hidden = false;
  keys.addEventListener('click', () => help.showModal());
  if (liveButton && main.hasAttribute('data-live')) {
    liveButton.hidden = false;
    liveButton.addEventListener('click', toggle);
    state(false);
    setTimeout(beat, EVERY);
  }
  setInterval(clocks, 1000);
  const menu = document.getElementById('menu'), here = menu.querySelector('[aria-current]');
  if (here) menu.scrollLeft = here.offsetLeft - menu.offsetLeft - (menu.clientWidth - here.clientWidth) / 2;
  if (location.hash === '#search') { const bar = document.querySelector('input[type=search]'); if (bar) bar.focus(); }
})();
