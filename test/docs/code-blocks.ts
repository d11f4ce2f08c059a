/** What stands in the fenced blocks of a Markdown text that are marked with `language`. */
export function codeBlocks(markdown: string, language: string): string[] {
  const fences = new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, 'gm');
  return [...markdown.matchAll(fences)].map(([, code = '']) => code);
}
