import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect } from 'chai';

const folder = 'deployments/docker';
const files = ['compose.yaml', 'tls.yaml', 'observability-profile.yaml', 'observability/compose.yaml'];
/** Variables that Docker Compose itself reads. */
const ofCompose = ['COMPOSE_PROFILES'];

interface Read {
  readonly variable: string;
  readonly fallback: string;
}

const reads: readonly Read[] = files.flatMap((file) => {
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

  it('lists exactly the variables of the compose files', () => {
    const wanted = new Set([...reads.map(({ variable }) => variable), ...ofCompose]);
    expect(Object.keys(listed).toSorted()).to.deep.equal([...wanted].toSorted());
  });

  it('has the defaults of the compose files', () => {
    for (const { variable, fallback } of reads) expect(listed[variable], variable).to.equal(fallback);
  });
});
