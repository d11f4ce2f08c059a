import type { Figure } from './run.js';
import { format, spreadOf } from './statistics.js';

const rowHeight = 20;
const [labelWidth, barWidth, width] = [560, 380, 1060];
const style =
  'text{font:12px sans-serif}.h{font-weight:bold}.b{fill:#4c78a8}.r{stroke:#222;stroke-width:1.5}';

/** Draws a bar for the median of each figure and a line from its lowest to its highest round, to scale for each unit. */
export function barChart(figures: readonly Figure[], caption: string): string {
  const rows: string[] = [];
  const add = (content: string): void => {
    rows.push(`<g transform="translate(8,${rows.length * rowHeight + 16})">${content}</g>`);
  };
  add(text(0, caption, 'h'));
  for (const unit of new Set(figures.map((figure) => figure.unit))) {
    const group = figures.filter((figure) => figure.unit === unit);
    const spreads = group.map(({ values }) => spreadOf(values['this'] ?? []));
    const scale = barWidth / Math.max(...spreads.map(({ max }) => max).filter(Number.isFinite));
    add(text(0, unit === '' ? 'ratios and counts' : unit, 'h'));
    for (const [index, { part, name }] of group.entries()) {
      const { median, min, max } = spreads[index] ?? spreadOf([]);
      if (!Number.isFinite(median)) continue;
      const at = (value: number): string => (labelWidth + value * scale).toFixed(1);
      const bar = `<rect class="b" x="${labelWidth}" y="-10" width="${(median * scale).toFixed(1)}" height="12"/>`;
      const range = `<line class="r" x1="${at(min)}" x2="${at(max)}" y1="-4" y2="-4"/>`;
      const label = text(0, `${part}: ${name}`);
      add(`${label}${bar}${range}${text(Number(at(Math.max(median, max))) + 6, format(median))}`);
    }
  }
  const height = rows.length * rowHeight + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><style>${style}</style>\n<rect width="100%" height="100%" fill="#fff"/>\n${rows.join('\n')}\n</svg>\n`;
}

function text(x: number, content: string, css = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" class="${css}">${escaped}</text>`;
}
