/** A sample in the OpenMetrics format. */
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
 * Parses a scrape according to the OpenMetrics specification 1.0: each family has one type, its samples have the
 * suffixes of this type, only `_bucket` and `_total` samples have exemplars, and the text ends with `# EOF`.
 * @throws Error with the first invalid line
 */
export function parseOpenMetrics(text: string): Sample[] {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('# EOF is missing');
  const types = new Map<string, string>();
  let family = '';
  return lines.flatMap((line) => {
    const [, kind, name = '', type = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'TYPE' && types.has(name)) throw new Error(`duplicate type: ${line}`);
    if (kind === 'TYPE') types.set(name, type);
    if (kind) family = name;
    return kind ? [] : [parseSample(line, family, types.get(family) ?? '')];
  });
}

function parseSample(line: string, family: string, type: string): Sample {
  const match = sampleLine.exec(line);
  if (!match) throw new Error(`not a sample: ${line}`);
  const [, name = '', ownLabels = '', value, exemplarLabels, exemplarValue, timestamp] = match;
  if (!suffixes[type]?.some((suffix) => name === family + suffix))
    throw new Error(`not a sample of the ${type} ${family}: ${line}`);
  const sample = { name, labels: parseLabels(ownLabels), value: Number(value) };
  if (exemplarLabels === undefined) return sample;
  if (!/_bucket$|_total$/.test(name)) throw new Error(`exemplar not allowed: ${line}`);
  if (exemplarLabels.replace(/[="]|,/g, '').length > 128) throw new Error(`exemplar too long: ${line}`);
  const exemplar = {
    labels: parseLabels(exemplarLabels),
    value: Number(exemplarValue),
    timestamp: Number(timestamp),
  };
  if (exemplar.value > Number(sample.labels['le']?.replace('+Inf', 'Infinity')))
    throw new Error(`exemplar outside its bucket: ${line}`);
  return { ...sample, exemplar };
}

function parseLabels(text: string): Record<string, string> {
  const pairs = text.match(new RegExp(label, 'g')) ?? [];
  const parsed = pairs.map((pair) => {
    const separator = pair.indexOf('=');
    return [pair.slice(0, separator), pair.slice(separator + 2, -1)] as const;
  });
  if (new Set(parsed.map(([name]) => name)).size < parsed.length) throw new Error(`duplicate label: ${text}`);
  return Object.fromEntries(parsed);
}
