"""The portal's pages: parse, ask what may be done, call one service, render."""
