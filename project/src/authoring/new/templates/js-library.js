/** The component `__PACKAGE__`: an object for each interface that it exports. */

export const greet = {
  greet(name) {
    return `Hello, ${name}!`;
  },
};
