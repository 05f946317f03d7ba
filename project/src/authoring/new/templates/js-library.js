/**
 * The component `__PACKAGE__`: an object for each interface that it exports.
 *
 * The build disables what of the host it does not use, so that no app has to grant it: see `build` in package.json.
 */

export const greet = {
  greet(name) {
    return `Hello, ${name}!`;
  },
};
