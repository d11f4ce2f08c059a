import type { TagReader } from './git-tags.js';
import { actionsIn, imagesIn, isCommit, withDigest, type ActionUse } from './references.js';
import type { DigestReader } from './registry.js';

export interface Sources {
  readonly tags: TagReader;
  readonly digests: DigestReader;
}

/** Result for the references in a text. */
export interface Pinned {
  readonly text: string;
  readonly changes: readonly string[];
  /** References that are unchanged because they could not be resolved. */
  readonly unreachable: readonly string[];
  /** Findings for a person to judge. */
  readonly alarms: readonly string[];
}

/** Replaces tags of actions by commits, and adds digests to tags of images. Pinned references do not change. */
export async function pin(text: string, { tags, digests }: Sources): Promise<Pinned> {
  const found = actionsIn(text).map((use) => pinAction(use, tags));
  let result = text;
  for (const { use, replacement } of found) result = result.replace(use.text, () => replacement ?? use.text);
  const notes = found.flatMap(({ note }) => note ?? []);
  for (const { reference, digest, ...image } of imagesIn(result)) {
    if (digest !== undefined) continue;
    const answer = await digests({ reference, ...image });
    if ('reason' in answer) {
      notes.push({ kind: 'unreachable', text: `${reference}: ${answer.reason}` });
      continue;
    }
    result = withDigest(result, reference, answer.digest);
    notes.push({ kind: 'changes', text: `${reference} → ${answer.digest}` });
  }
  const of = (kind: Note['kind']): string[] =>
    notes.filter((note) => note.kind === kind).map((note) => note.text);
  return { text: result, changes: of('changes'), unreachable: of('unreachable'), alarms: of('alarms') };
}

interface Note {
  readonly kind: 'changes' | 'unreachable' | 'alarms';
  readonly text: string;
}

interface ActionOutcome {
  readonly use: ActionUse;
  readonly replacement?: string;
  readonly note?: Note;
}

function pinAction(use: ActionUse, tags: TagReader): ActionOutcome {
  const { repository, folder, ref, version } = use;
  const note = (kind: Note['kind'], text: string): ActionOutcome => ({ use, note: { kind, text } });
  const isPinned = isCommit(ref);
  const tag = isPinned ? version : ref;
  if (tag === undefined) return note('alarms', `${repository}@${ref} has no comment with its version`);
  const answer = tags(repository, tag);
  if ('reason' in answer) return note('unreachable', `${repository}@${tag}: ${answer.reason}`);
  if (isPinned && answer.commit === ref) return { use };
  // The tag was moved, or the comment names a wrong version. A person must decide which commit runs.
  if (isPinned) return note('alarms', `${repository} ${tag} is now ${answer.commit}, but ${ref} is pinned`);
  return {
    use,
    replacement: `uses: ${repository}${folder}@${answer.commit} # ${tag}`,
    note: { kind: 'changes', text: `${repository}@${tag} → ${answer.commit}` },
  };
}
