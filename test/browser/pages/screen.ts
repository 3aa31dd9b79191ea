// What is on the screen, and everything that has been there: tests wait for it and look back at it.

/** An item of a list: its text, and what the page says about it. */
export interface Item {
  text: string;
  [key: string]: string | undefined;
}

/** The page's lists and its other parts, by name. */
export interface Screen {
  lists: Record<string, Item[] | undefined>;
  parts: Record<string, string | undefined>;
}

declare global {
  interface Window {
    /** Every state of the page since it was loaded, oldest first. */
    screens: Screen[];
  }
}

function read(): Screen {
  const screen: Screen = { lists: {}, parts: {} };
  for (const part of document.querySelectorAll<HTMLElement>('[data-part]')) {
    const name = part.dataset.part!;
    if (part.tagName === 'OL') {
      screen.lists[name] = [...part.querySelectorAll<HTMLElement>(':scope > li')].map((item) => ({
        ...item.dataset,
        text: (item.querySelector('[data-text]') ?? item).textContent ?? '',
      }));
    } else {
      screen.parts[name] = part.textContent ?? '';
    }
  }
  return screen;
}

window.screens = [];
// React changes the page once for each state, so each call sees a whole one.
new MutationObserver(() => window.screens.push(read())).observe(document, {
  attributes: true,
  characterData: true,
  childList: true,
  subtree: true,
});
