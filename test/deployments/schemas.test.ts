import { expect } from 'chai';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { releases } from '../lab/tools/table.js';
import { allRendered, renderText } from './manifests.js';
import { describeWith, fileOf } from '../lab/requirements.js';

/** Runs kubeconform on a text; the exit code is 0 if every object fits its schema. */
function validate(text: string, release: string): { code: number | null; output: string } {
  const locations = [fileOf('schemas', release), fileOf('schemas', 'cert-manager')].flatMap((folder) => [
    '-schema-location',
    path.join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json'),
  ]);
  const { status, stdout, stderr } = spawnSync(
    fileOf('kubeconform'),
    ['-strict', '-summary', '-verbose', ...locations, '-'],
    { encoding: 'utf8', input: text },
  );
  return { code: status, output: `${stdout}${stderr}` };
}

describeWith(['kustomize', 'kubeconform', 'schemas'], 'the schemas of Kubernetes', () => {
  for (const release of releases) {
    for (const name of allRendered) {
      it(`${release} accept ${name}`, () => {
        const { code, output } = validate(renderText(name), release);
        expect(code, output).to.equal(0);
        expect(output).to.match(/Invalid: 0, Errors: 0, Skipped: 0/);
      });
    }

    it(`${release} reject a misspelt field, a field of another type and an unknown kind`, () => {
      const text = renderText('dev');
      const broken = [
        text.replace('minReadySeconds:', 'minReadySecond:'),
        text.replace('revisionHistoryLimit: 5', 'revisionHistoryLimit: five'),
        text.replace('kind: PodDisruptionBudget', 'kind: PodDisruptionBudged'),
      ];
      for (const one of broken) expect(validate(one, release).code).not.to.equal(0);
    });
  }
});

describe('the oldest supported release of Kubernetes', () => {
  it('is the release that the documentation names', () => {
    const [oldest] = releases;
    const text = readFileSync('docs/docker-kubernetes.md', 'utf8');
    expect(text).to.include(`Kubernetes ${oldest.slice(1, oldest.lastIndexOf('.'))} or newer`);
  });
});
