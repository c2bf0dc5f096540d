-- Names what Lua usually has.
-- says: unknown word
return { debug.getregistry(), jit.on, io.open, os.execute, package.loaded, dofile, loadfile, module, _G }
