@echo off
rem The command line of the installed application. Put this folder on your PATH.
if not defined CAIRN_NODE set CAIRN_NODE=node
"%CAIRN_NODE%" -e "const [a, b] = process.versions.node.split('.'); process.exit(a > 24 || (a == 24 && b >= 12) ? 0 : 1)" 2>nul
if errorlevel 1 (
  echo cairn: the command line needs Node 24.12 or newer; install it, or name it in CAIRN_NODE 1>&2
  exit /b 1
)
"%CAIRN_NODE%" "%~dp0..\cli\dist\cli.js" %*
