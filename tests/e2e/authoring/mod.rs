//! Writing components: new projects, their manifest, building, publishing, links.
