import init from './%app.js%';

init({ module_or_path: new URL('./%app.wasm%', import.meta.url) }).catch((error) => {
  console.error(error);
  const text = document.getElementById('boot-text');
  if (text) {
    document.getElementById('boot').classList.add('failed');
    text.textContent = 'The console could not be started. Load the page again; a current Firefox, Chrome, Edge or Safari is needed.';
  }
});
