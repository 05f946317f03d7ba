const named = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => text.replace(/[&<>"']/g, (character) => named[character]);

const written = ({ text, element }) => {
  const inside = escaped(text);
  return element ? `<${element}>${inside}</${element}>` : inside;
};

export const html = {
  render(title, pieces, footer) {
    return `<!doctype html>
<title>${escaped(title)}</title>
<p>${pieces.map(written).join(" ")}</p>
<footer>${escaped(footer)}</footer>
`;
  },
};
