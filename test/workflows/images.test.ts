import { expect } from 'chai';
import { copiedSources, imageProcesses } from '../lab/dockerfile.js';
import { workflow } from './workflow-files.js';

const images = workflow('images');

describe('images.yml', () => {
  it('builds and publishes every process of the Dockerfile, and scheduled-scan.yml scans every process', () => {
    const scan = workflow('scheduled-scan').jobs['images'];
    for (const job of [images.jobs['build'], images.jobs['publish'], scan])
      expect(job?.strategy?.matrix?.['process']).to.have.members(imageProcesses);
  });

  it('builds a pull request that changes a source of the images', () => {
    const { paths } = images.on['pull_request'] as { readonly paths: readonly string[] };
    expect(copiedSources).to.include('package.json');
    for (const source of [...copiedSources, '.dockerignore', 'deployments/docker/Dockerfile'])
      expect(
        paths.some((pattern) => covers(pattern, source)),
        source,
      ).to.equal(true);
  });
});

/** Returns whether a path filter includes a file, or the files of a folder. */
function covers(pattern: string, source: string): boolean {
  const text = pattern
    .replaceAll('.', '[.]')
    .replaceAll(/[*]+/g, (stars) => (stars === '*' ? '[^/]*' : '.*'));
  const filter = new RegExp(`^${text}$`);
  return filter.test(source) || filter.test(`${source}/file`);
}
