/** One sample of a scrape in the OpenMetrics format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: Exemplar;
}

export interface Exemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Seconds since the epoch. */
  readonly timestamp: number;
}

const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};
const number = String.raw`[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|Inf|NaN)`;
const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
const labels = String.raw`\{((?:${label}(?:,${label})*)?)\}`;
const sampleLine = new RegExp(
  `^([a-zA-Z_:][\\w:]*)(?:${labels})? (${number})(?: # ${labels} (${number}) (\\d+(?:\\.\\d+)?))?$`,
  'i',
);

/**
 * Reads a scrape by the rules of the OpenMetrics specification 1.0: one type a family, samples after it
 * with the suffixes of that type, exemplars on buckets and totals only, an end mark.
 * @throws Error that quotes the first line against the rules
 */
export function readOpenMetrics(text: string): Sample[] {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('it does not end with # EOF');
  const types = new Map<string, string>();
  let family = '';
  return lines.flatMap((line) => {
    const [, kind, name = '', type = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'TYPE' && types.has(name)) throw new Error(`twice: ${line}`);
    if (kind === 'TYPE') types.set(name, type);
    if (kind) family = name;
    return kind ? [] : [readSample(line, family, types.get(family) ?? '')];
  });
}

function readSample(line: string, family: string, type: string): Sample {
  const match = sampleLine.exec(line);
  if (!match) throw new Error(`no sample: ${line}`);
  const [, name = '', ownLabels = '', value, exemplarLabels, exemplarValue, timestamp] = match;
  if (!suffixes[type]?.some((suffix) => name === family + suffix))
    throw new Error(`not of the ${type} ${family}: ${line}`);
  const sample = { name, labels: readLabels(ownLabels), value: Number(value) };
  if (exemplarLabels === undefined) return sample;
  if (!/_bucket$|_total$/.test(name)) throw new Error(`no exemplar here: ${line}`);
  if (exemplarLabels.replace(/[="]|,/g, '').length > 128) throw new Error(`exemplar too long: ${line}`);
  const exemplar = {
    labels: readLabels(exemplarLabels),
    value: Number(exemplarValue),
    timestamp: Number(timestamp),
  };
  if (exemplar.value > Number(sample.labels['le']?.replace('+Inf', 'Infinity')))
    throw new Error(`exemplar outside of its bucket: ${line}`);
  return { ...sample, exemplar };
}

function readLabels(text: string): Record<string, string> {
  const pairs = text.match(new RegExp(label, 'g')) ?? [];
  const read = pairs.map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 2, -1)] as const;
  });
  if (new Set(read.map(([name]) => name)).size < read.length) throw new Error(`a label twice: ${text}`);
  return Object.fromEntries(read);
}
