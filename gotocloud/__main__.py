from gotocloud.cli.main import main

main()
