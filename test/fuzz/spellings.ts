/** Spellings of ids that clients use. */
export const SPELLINGS = ['as given', 'upper case', 'mixed case'] as const;
export type Spelling = (typeof SPELLINGS)[number];

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

const mix = (id: string): string =>
  id.replace(/[a-f]/g, (letter, at: number) => (at % 2 ? letter.toUpperCase() : letter));

/** The string with its UUIDs in another spelling; other parts are unchanged. */
export function respell(text: string, spelling: Spelling): string {
  switch (spelling) {
    case 'as given':
      return text;
    case 'upper case':
      return text.replace(UUID, (id) => id.toUpperCase());
    case 'mixed case':
      return text.replace(UUID, mix);
  }
}
