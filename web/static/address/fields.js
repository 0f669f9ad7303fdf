/** The fields of the form: one for each setting of the page of captions alone, with what it means. */

/** Words for each setting, in the order of the form; `options` are those of a list, by their value. */
const FIELDS = {
  size: { label: "Size of the text", hint: "Pixels, from 12 to 200." },
  lines: { label: "Lines", hint: "From 1 to 10." },
  width: { label: "Length of lines", hint: "Characters, from 10 to 200; 0 for as many as fit." },
  theme: {
    label: "Colours",
    hint: "With any but the first the page has a ground of its own.",
    options: {
      "": "For a video: white on a see-through box",
      system: "White on black",
      light: "Light",
      dark: "Dark",
      contrast: "High contrast",
      cream: "Cream",
    },
  },
  color: { label: "Colour of the text", hint: "In place of the theme's: a name or digits, such as white or ffcc00." },
  background: { label: "Colour behind the text", hint: "Likewise: 000000cc is see-through black; or transparent." },
  font: { label: "Font", hint: "Names, separated by commas; the first that is installed is used." },
  spacing: {
    label: "Spacing",
    hint: "Wide spacing of letters and lines is easier with dyslexia.",
    options: { normal: "Normal", wide: "Wide" },
  },
  align: { label: "Where lines begin", hint: "", options: { left: "Left", center: "Centre", right: "Right" } },
  hide: { label: "Captions go after", hint: "Seconds without words, to 3600; 0 for never." },
  emotion: { label: "Emotion", hint: "The emotion of who speaks, above the captions.", options: { 0: "No", 1: "Yes" } },
  session: { label: "Session", hint: "Empty for the newest one, and for the next when that has ended." },
};

/**
 * @param {HTMLFormElement} form gets the fields
 * @param {Record<string, any>} settings their values at first
 */
export function addFields(form, settings) {
  for (const [name, { label, hint, options }] of Object.entries(FIELDS)) {
    const group = document.createElement("div");
    group.className = "setting";
    const words = document.createElement("label");
    words.htmlFor = `setting-${name}`;
    words.textContent = label;
    const field = options ? list(options) : document.createElement("input");
    Object.assign(field, { id: words.htmlFor, name, value: text(settings[name]) });
    if (!options) Object.assign(field, { autocomplete: "off", spellcheck: false });
    const note = document.createElement("p");
    note.className = "hint";
    note.id = `about-${name}`;
    note.textContent = `${hint} In the address: ${name}.`.trim();
    field.setAttribute("aria-describedby", note.id);
    group.append(words, field, note);
    form.append(group);
  }
}

function list(options) {
  const select = document.createElement("select");
  select.append(...Object.entries(options).map(([value, label]) => new Option(label, value)));
  return select;
}

function text(value) {
  if (typeof value === "boolean") return value ? "1" : "0";
  return value == null ? "" : String(value);
}
