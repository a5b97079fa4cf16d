/**
 * Shows a photo before it is sent, and sends no more of it than is used: the middle, turned upright, without whatever else
 * the camera wrote into the file. What a browser cannot show is sent as it is, and judged there.
 */

const MOST = 1024;
const SHOWN = 192;

const square = (bitmap, size) => {
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, size, size);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, size, size);
  return canvas;
};

for (const input of document.querySelectorAll('[data-photo]')) {
  const place = document.getElementById(input.dataset.photo).firstElementChild;
  const former = [...place.childNodes];
  const word = input.parentElement.querySelector('[data-chosen]');
  let latest = 0;
  let work = null;
  input.parentElement.classList.add('is-enhanced');
  // Saved while the photo is still made smaller, the form leaves as soon as that is done.
  input.form.addEventListener('submit', (event) => {
    if (!work) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    work.then(() => input.form.requestSubmit(event.submitter));
  }, true);
  input.addEventListener('change', () => {
    const turn = ++latest;
    const mine = prepared(turn)
      .then(() => { if (turn === latest) refuseLarge(); })
      .finally(() => { if (work === mine) work = null; });
    work = mine;
  });
  // Sent all the same it would be refused, and with it what else was typed.
  const refuseLarge = () => {
    if (!(input.files[0]?.size > Number(input.dataset.most))) return;
    input.value = '';
    place.replaceChildren(...former);
    word.textContent = word.dataset.tooLarge;
  };
  const prepared = async (turn) => {
    const [file] = input.files;
    place.replaceChildren(...former);
    word.textContent = file ? `${file.name} · ${word.dataset.chosen}` : '';
    if (!file) return;
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap || turn !== latest) return;
    const shown = new Image();
    shown.alt = '';
    shown.src = square(bitmap, SHOWN).toDataURL('image/jpeg', 0.9);
    place.replaceChildren(shown);
    const side = Math.min(bitmap.width, bitmap.height);
    const made = await new Promise((done) => { square(bitmap, Math.min(side, MOST)).toBlob(done, 'image/jpeg', 0.92); });
    if (!made || made.size >= file.size || turn !== latest) return;
    const files = new DataTransfer();
    files.items.add(new File([made], 'photo.jpg', { type: 'image/jpeg' }));
    input.files = files.files;
  };
}
