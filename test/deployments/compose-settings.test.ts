import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect } from 'chai';

const folder = 'deployments/docker';
const files = ['compose.yaml', 'tls.yaml', 'observability-profile.yaml', 'observability/compose.yaml'];
/** Read by compose itself. */
const ofCompose = ['COMPOSE_PROFILES'];

interface Read {
  readonly variable: string;
  readonly fallback: string;
}

const read: readonly Read[] = files.flatMap((file) => {
  const text = readFileSync(`${folder}/${file}`, 'utf8').replaceAll(/(^|\s)#.*$/gm, '');
  expect(text.match(/\$\w/g), `${file} reads a variable without braces`).to.equal(null);
  return [...text.matchAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g)].map(([, variable = '', kind, value = '']) => ({
    variable,
    fallback: kind === '-' ? value : '',
  }));
});

describe('.env.example', () => {
  const text = readFileSync(`${folder}/.env.example`, 'utf8');
  const listed = parseEnv(text);

  it('lists what the compose files read, and nothing else', () => {
    const wanted = new Set([...read.map(({ variable }) => variable), ...ofCompose]);
    expect(Object.keys(listed).toSorted()).to.deep.equal([...wanted].toSorted());
  });

  it('has the values that the compose files take without it', () => {
    for (const { variable, fallback } of read) expect(listed[variable], variable).to.equal(fallback);
  });

  it('says of every group what it is for', () => {
    for (const group of text.split('\n\n')) expect(group).to.match(/^# \S/);
  });
});
