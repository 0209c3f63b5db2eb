/* What is nicer with a script. Every page works without it. */
'use strict';

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

/* An analysis that runs: keep the bar and its sentence up to date, show the report once there is one. */
function followProgress(card) {
  const bar = card.querySelector('progress'), text = card.querySelector('[data-text]');
  let failures = 0, stage = '';
  async function ask() {
    let wait = 1000;
    try {
      const answer = await fetch(card.dataset.progress, {headers: {Accept: 'application/json'}, redirect: 'manual'});
      if (answer.status === 429) {
        wait = 1000 * Math.min(Number(answer.headers.get('Retry-After')) || 30, 120);
      } else if (answer.type === 'opaqueredirect' || (answer.status >= 400 && answer.status < 500)) {
        return location.reload(); // signed out or removed meanwhile: the page itself says so
      } else if (!answer.ok) {
        throw new Error(answer.status);
      } else {
        const told = await answer.json();
        if (told.state === 'done' || told.state === 'failed') return location.reload();
        show(told);
      }
      failures = 0;
    } catch {
      failures += 1;
      wait = Math.min(1000 * 2 ** failures, 30000);
      if (failures > 2) text.textContent = 'The server does not answer. The analysis goes on; asking again soon.';
    }
    return setTimeout(ask, wait);
  }
  function show(told) {
    if (told.total) {
      bar.max = told.total;
      bar.value = told.done;
    } else {
      bar.removeAttribute('value');
    }
    /* A live region is read aloud at each change: figures stand beside it, only a new stage is announced. */
    const [first] = told.text.split(':');
    text.setAttribute('aria-live', first === stage ? 'off' : 'polite');
    stage = first;
    text.textContent = told.text;
  }
  setTimeout(ask, 1000);
}

/* A file that was chosen: its size, and whether it is too large, before anything is sent. */
function checkFile(form) {
  const input = form.querySelector('input[type=file]'), limit = Number(form.dataset.limit);
  const note = element('p', {className: 'hint'});
  note.setAttribute('role', 'status');
  form.querySelector('button').parentElement.before(note);
  input.addEventListener('change', () => {
    const [file] = input.files, large = file && file.size > limit;
    const size = bytes => `${(bytes / 2 ** 20).toFixed(1)} MB`;
    note.textContent = !file ? '' : large
      ? `${file.name} has ${size(file.size)}; up to ${size(limit)} can be uploaded. Leave data out, or add the address.`
      : `${file.name}, ${size(file.size)} of at most ${size(limit)}.`;
    note.className = large ? 'wrong' : 'hint';
    input.setCustomValidity(large ? 'This file is too large.' : '');
  });
}

/* A form that was sent: say so, and send it once. Coming back with the browser's button makes it new. */
function sendOnce(form) {
  form.addEventListener('submit', event => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'yes';
    return undefined;
  });
  addEventListener('pageshow', () => delete form.dataset.sent);
}

/* A passkey: only a script can ask the browser for one. */
async function usePasskey(form) {
  const kind = form.dataset.passkey;
  try {
    const read = kind === 'create' ? PublicKeyCredential.parseCreationOptionsFromJSON : PublicKeyCredential.parseRequestOptionsFromJSON;
    const publicKey = read.call(PublicKeyCredential, JSON.parse(form.dataset.options));
    const credential = await navigator.credentials[kind]({publicKey});
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    const told = form.querySelector('[role=alert]');
    told.querySelector('span').textContent = error.name === 'NotAllowedError' ? 'it was cancelled or took too long' : 'this browser or device cannot do it';
    told.hidden = false;
  }
}

/* Shortcuts: two keys after another, never while something is written, and all of them can be switched off. */
const PLACES = {
  h: ['Home', '/'], m: ['My radar', '/me'], q: ['Quiz', '/quiz'], p: ['Portfolio', '/portfolio'], r: ['Reviews', '/reviews'],
  t: ['Team', '/team'], c: ['Candidates', '/hiring'], a: ['Assess yourself', '/start'], s: ['Settings', '/settings'],
};
const SWITCH = 'assessor.shortcuts';

function stored(value) {
  try {
    if (value !== undefined) localStorage.setItem(SWITCH, value);
    return localStorage.getItem(SWITCH) !== 'off';
  } catch {
    return false;
  }
}

function shortcuts() {
  const reachable = Object.entries(PLACES).filter(([, [, href]]) => href === '/' || document.querySelector(`header a[href="${href}"]`));
  const dialog = list(reachable);
  let before = 0;
  document.addEventListener('keydown', event => {
    const writing = event.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]');
    if (!stored() || writing || event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const place = reachable.find(([key]) => key === event.key);
    if (event.key === '?') {
      event.preventDefault();
      dialog.showModal();
    } else if (place && event.timeStamp - before < 1500) {
      event.preventDefault();
      location.assign(place[1][1]);
    }
    before = event.key === 'g' ? event.timeStamp : -Infinity;
  });
  const opener = element('button', {type: 'button', className: 'plain', textContent: 'Keyboard shortcuts'});
  opener.addEventListener('click', () => dialog.showModal());
  document.querySelector('footer').append(element('p', {}, opener));
}

/* A question with options: its number chooses one. */
function chooseByNumber(form) {
  const options = all('input[name=answer]', form);
  document.addEventListener('keydown', event => {
    const writing = event.target.closest('input:not([type=checkbox], [type=radio]), textarea, select, dialog');
    const option = options[Number(event.key) - 1];
    if (!option || !stored() || writing || event.ctrlKey || event.metaKey || event.altKey) return;
    option.checked = true;
    option.focus();
  });
}

function list(places) {
  const key = name => element('kbd', {textContent: name});
  const box = element('input', {type: 'checkbox', checked: stored()});
  box.addEventListener('change', () => stored(box.checked ? 'on' : 'off'));
  const title = element('h2', {id: 'shortcuts', textContent: 'Keyboard shortcuts'});
  const rows = places.map(([name, [text]]) => [element('dt', {}, key('g'), ' ', key(name)), element('dd', {textContent: text})]);
  const dialog = element('dialog', {className: 'stack'}, title,
    element('dl', {className: 'facts'}, element('dt', {}, key('?')), element('dd', {textContent: 'This list'}),
      element('dt', {}, key('1'), ' … ', key('9')), element('dd', {textContent: 'An answer of a question'}), ...rows.flat()),
    element('label', {className: 'row'}, box, 'Shortcuts are on'),
    element('form', {method: 'dialog'}, element('button', {textContent: 'Close'})));
  dialog.setAttribute('aria-labelledby', 'shortcuts');
  document.body.append(dialog);
  return dialog;
}

all('[data-progress]').forEach(followProgress);
all('form[data-limit]').forEach(checkFile);
all('form[method=post]:not([data-passkey])').forEach(sendOnce);
all('form[data-passkey]').forEach(usePasskey);
all('form[data-keys]').forEach(chooseByNumber);
shortcuts();
