import { expect } from 'chai';
import { localActions, workflow, type Step } from './workflow-files.js';

const { jobs } = workflow('deploy');
const release = localActions().find(({ file }) => file.includes('actions/release/'));
const rollback = workflow('rollback').jobs['rollback'];

/** What the action is given in a job. */
function inputsOf(job: string): Step['with'] {
  return jobs[job]?.steps?.find(({ uses }) => uses?.startsWith('./'))?.with;
}

describe('deploy.yml', () => {
  it('goes to production after staging, and not without approval', () => {
    expect(jobs['production']?.needs).to.include('staging');
    expect(jobs['production']?.environment).to.equal('production');
  });

  it('tries staging with test-client, and never production', () => {
    const smoke = ['staging', 'production'].map((job) => inputsOf(job)?.['smoke-test']);
    expect(smoke).to.deep.equal(['1', '0']);
  });

  it('brings the digests that were verified to both, and looks no tag up a second time', () => {
    for (const job of ['staging', 'production']) {
      expect(jobs[job]?.needs, job).to.include('images');
      expect(inputsOf(job)?.['digests'], job).to.equal('${{ needs.images.outputs.digests }}');
    }
    const step = release?.steps.find(({ run }) => run?.includes('make release-k8s'));
    expect(step?.env?.['IMAGE_DIGESTS']).to.equal('${{ inputs.digests }}');
    expect(release?.text).not.to.match(/imagetools|cosign/);
  });

  it('leaves the log agents, which read what is on a node, to an administrator', () => {
    const step = release?.steps.find(({ run }) => run?.includes('make release-k8s'));
    expect(step?.env?.['LOGS']).to.equal('0');
  });
});

describe('a step that has the way to the cluster', () => {
  it('comes after everything is installed, without scripts of libraries', () => {
    for (const steps of [release?.steps ?? [], rollback?.steps ?? []]) {
      const install = steps.findIndex(({ run }) => run === 'make setup');
      const first = steps.findIndex((step) => JSON.stringify(step).includes('KUBECONFIG'));
      expect(steps[install]?.env).to.deep.equal({ NPM_CONFIG_IGNORE_SCRIPTS: 'true' });
      expect(first).to.be.greaterThan(install);
      for (const { uses } of steps.slice(first)) expect(uses).to.equal(undefined);
    }
  });

  it('leaves no kubeconfig behind', () => {
    const last = release?.steps.at(-1);
    expect([last?.if, last?.run]).to.deep.equal(['always()', 'rm -f "$KUBECONFIG"']);
    expect(rollback?.steps?.at(-1)?.run).to.include(`trap 'rm -f "$KUBECONFIG"' EXIT`);
  });
});
