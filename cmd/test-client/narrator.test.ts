import { expect } from 'chai';
import { Narrator } from './narrator.js';
import { Progress } from './progress.js';
import { Recording } from './testing/recording.js';

const escape = '\u001B';

function narrate(narrator: Narrator): void {
  narrator.block('1. An order');
  narrator.say('Alice orders');
  narrator.result('placed: CONFIRMED', ['4.50 USD', '', '8.4 ms']);
  narrator.mark('passed', 'it is confirmed');
  narrator.mark('failed', 'it is paid', ['expected 1', 'actual   0']);
}

describe('the narrator', () => {
  it('writes plain lines where nobody sees colours', () => {
    const out = new Recording();
    narrate(new Narrator(out));
    expect(out.lines).to.deep.equal([
      `── 1. An order ${'─'.repeat(85)}`,
      '   Alice orders',
      '     → placed: CONFIRMED · 4.50 USD · 8.4 ms',
      '   ✔ it is confirmed',
      '   ✘ it is paid',
      '       expected 1',
      '       actual   0',
    ]);
  });

  it('uses colours on a terminal', () => {
    const out = new Recording(true);
    narrate(new Narrator(out));
    expect(out.text).to.include(`${escape}[32m✔`).and.to.include(`${escape}[31m✘`);
  });

  it('honours NO_COLOR on a terminal', () => {
    const out = new Recording(true);
    narrate(new Narrator(out, '1'));
    expect(out.text).to.not.include(escape);
  });

  it('concludes with a plain line and nothing behind it, also on a terminal', () => {
    const out = new Recording(true);
    new Narrator(out).conclude('3 passed, 0 failed, 0 skipped');
    expect(out.text).to.equal('\n3 passed, 0 failed, 0 skipped\n');
  });

  it('removes a passing line before the next one', () => {
    const out = new Recording(true);
    const narrator = new Narrator(out, '1');
    narrator.passing('working');
    narrator.say('done');
    expect(out.text).to.equal(`   working\r${escape}[K   done\n`);
  });
});

describe('progress', () => {
  it('is a line for every tenth of the way where there is no terminal', () => {
    const out = new Recording();
    const progress = new Progress(new Narrator(out), 200);
    for (let done = 1; done <= 200; done++) progress.update(done);
    progress.end();
    expect(out.lines).to.have.length(10);
    expect(out.lines[4]).to.match(/^ {3}50 % · 100 of 200 · \d+ orders\/s$/);
  });

  it('is a bar on a terminal, gone at the end', () => {
    const out = new Recording(true);
    const progress = new Progress(new Narrator(out, '1'), 4);
    progress.update(2);
    progress.update(4);
    progress.end();
    expect(out.text)
      .to.include('█'.repeat(15) + '░'.repeat(15))
      .and.to.include('100 % · 4 of 4');
    expect(out.text.endsWith(`\r${escape}[K`)).to.equal(true);
  });
});
